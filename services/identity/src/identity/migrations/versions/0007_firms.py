"""Firms, who may act for them, how identities were proven; a number is unique once it was matched with a document."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0007_firms"
down_revision = "0006_ended_sessions"

_moment = sa.DateTime(timezone=True)
_key = sa.Text(collation="C")


def upgrade() -> None:
    op.create_index(
        "accounts_matched_id_number_hash",
        "accounts",
        ["id_number_hash"],
        unique=True,
        postgresql_where=sa.text("acr IN ('L4', 'L5')"),
    )
    op.drop_index("accounts_proven_id_number_hash", "accounts")
    op.add_column("sessions", sa.Column("acting_for", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "firms",
        sa.Column("subject", _key, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("credit_code", _key, nullable=False, unique=True),
        sa.Column("representative", _key, sa.ForeignKey("accounts.subject"), nullable=False),
        sa.Column("acr", sa.Text, nullable=False),
        sa.Column("registered_at", _moment, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("sample", sa.Boolean, nullable=False),
    )
    op.create_index("firms_of_representative", "firms", ["representative"])
    op.create_table(
        "mandates",
        sa.Column("id", _key, primary_key=True),
        sa.Column("firm", _key, sa.ForeignKey("firms.subject"), nullable=False),
        sa.Column("handler_hash", _key, nullable=False),
        sa.Column("handler_name_sealed", sa.LargeBinary, nullable=False),
        sa.Column("handler_number_sealed", sa.LargeBinary, nullable=False),
        sa.Column("starts_at", _moment, nullable=False),
        sa.Column("ends_at", _moment, nullable=False),
        sa.Column("item_codes", ARRAY(sa.Text), nullable=False),
        sa.Column("granted_by", sa.Text, nullable=False),
        sa.Column("granted_at", _moment, nullable=False),
        sa.Column("ended_by", sa.Text, nullable=False),
        sa.Column("ended_at", _moment),
    )
    op.create_index("mandates_of_handler", "mandates", ["handler_hash"])
    op.create_index("mandates_of_firm", "mandates", ["firm", sa.text("granted_at DESC")])
    op.create_table(
        "proofs",
        sa.Column("id", _key, primary_key=True),
        sa.Column("subject", _key, nullable=False),
        sa.Column("way", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", _moment, nullable=False),
    )
    op.create_index("proofs_of_subject", "proofs", ["subject", sa.text("at DESC")])


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
