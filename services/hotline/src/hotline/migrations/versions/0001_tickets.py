"""Tickets with their timelines, and the messaging tables that every service has."""

import sqlalchemy as sa
from alembic import op
from chassis.database import create_messaging_tables

revision = "0001_tickets"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "tickets",
        sa.Column("number", sa.Text(collation="C"), primary_key=True),
        sa.Column("place", sa.Text(collation="C"), nullable=False, unique=True),
        sa.Column("opened_in", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("opener_subject", sa.Text(collation="C"), nullable=False),
        sa.Column("subject_line_sealed", sa.LargeBinary, nullable=False),
        sa.Column("body_sealed", sa.LargeBinary, nullable=False),
        sa.Column("case_number", sa.Text, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("turn", sa.BigInteger, nullable=False),
        sa.Column("came_from", sa.Text, nullable=False),
        sa.Column("offered_to", sa.Text, nullable=False),
        sa.Column("hand_over_id", sa.Text, nullable=False),
        sa.Column("answer_sealed", sa.LargeBinary),
        sa.Column("answered_by", sa.Text, nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("attention", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.CheckConstraint(
            "(state = 'answered') = (answer_sealed IS NOT NULL)", name="tickets_answered_with_an_answer"
        ),
        sa.CheckConstraint("(state = 'transferring') = (offered_to <> '')", name="tickets_offered_while_transferring"),
    )
    op.create_index("tickets_of_opener", "tickets", ["opener_subject", "place"])
    op.create_index(
        "tickets_to_do", "tickets", ["place"], postgresql_where=sa.text("state = 'open' OR attention <> ''")
    )
    op.create_table(
        "ticket_entries",
        sa.Column("number", sa.Text(collation="C"), sa.ForeignKey("tickets.number"), primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("district", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("note_sealed", sa.LargeBinary, nullable=False),
    )
    create_messaging_tables(op)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
