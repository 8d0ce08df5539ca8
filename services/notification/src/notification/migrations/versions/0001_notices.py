"""Notices, their deliveries, and the messaging tables that every service has."""

import sqlalchemy as sa
from alembic import op
from chassis.database import create_messaging_tables

revision = "0001_notices"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.Text(collation="C"), primary_key=True),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("about", "event", "subject", name="notices_once"),
    )
    op.create_index("notices_of_person", "notices", ["subject", "id"])
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text(collation="C"), primary_key=True),
        sa.Column("notice_id", sa.Text(collation="C"), sa.ForeignKey("notices.id"), nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("last_error", sa.Text, nullable=False, server_default=""),
        sa.Column("traceparent", sa.Text, nullable=False, server_default=""),
        sa.UniqueConstraint("notice_id", "channel", name="deliveries_once"),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="deliveries_sent_has_time"),
    )
    op.create_index("deliveries_due", "deliveries", ["due_at"], postgresql_where=sa.text("state = 'waiting'"))
    create_messaging_tables(op)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
