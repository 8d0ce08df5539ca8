"""Kiosks, and the messaging tables that every service has."""

import sqlalchemy as sa
from alembic import op
from chassis.database import create_messaging_tables

revision = "0001_kiosks"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "kiosks",
        sa.Column("id", sa.Text(collation="C"), primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("placement", sa.Text, nullable=False),
        sa.Column("placement_reason", sa.Text, nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("health", sa.Text, nullable=False),
        sa.Column("last_heartbeat_at", sa.DateTime(timezone=True)),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("software_version", sa.Text, nullable=False),
        sa.Column("offer_id", sa.Text, nullable=False),
        sa.Column("attention", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.CheckConstraint("(health = 'never_seen') = (last_heartbeat_at IS NULL)", name="kiosks_seen_at_a_time"),
    )
    op.create_index(
        "kiosks_online",
        "kiosks",
        ["last_heartbeat_at"],
        postgresql_where=sa.text("health = 'online' AND client_id <> ''"),
    )
    create_messaging_tables(op)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
