"""Accounts, sessions, clients, used assertions, and the messaging tables that every service has."""

import sqlalchemy as sa
from alembic import op
from chassis.database import create_messaging_tables
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0001_accounts"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("subject", sa.Text(collation="C"), primary_key=True),
        sa.Column("login", sa.Text(collation="C"), nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("roles", ARRAY(sa.Text), nullable=False),
        sa.Column("acr", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("name_sealed", sa.LargeBinary),
        sa.Column("id_number_sealed", sa.LargeBinary),
        sa.Column("id_number_hash", sa.Text(collation="C"), unique=True),
        sa.Column("email_sealed", sa.LargeBinary),
        sa.Column("phone_sealed", sa.LargeBinary),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("sample", sa.Boolean, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("key", sa.Text(collation="C"), primary_key=True),
        sa.Column("subject", sa.Text(collation="C"), sa.ForeignKey("accounts.subject"), nullable=False),
        sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
    )
    op.create_index("sessions_of_subject", "sessions", ["subject"])
    op.create_index("sessions_expiry", "sessions", ["expires_at"])
    op.create_table(
        "clients",
        sa.Column("client_id", sa.Text(collation="C"), primary_key=True),
        sa.Column("public_jwk", sa.Text, nullable=False),
        sa.Column("roles", ARRAY(sa.Text), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
    )
    op.create_table(
        "used_assertions",
        sa.Column("client_id", sa.Text(collation="C"), primary_key=True),
        sa.Column("jti", sa.Text(collation="C"), primary_key=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("used_assertions_expiry", "used_assertions", ["expires_at"])
    create_messaging_tables(op)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
