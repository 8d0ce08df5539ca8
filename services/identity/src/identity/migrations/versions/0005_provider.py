"""Sessions have a public name; what relying parties were given, and which of them are to be told that a session ended."""

import sqlalchemy as sa
from alembic import op

revision = "0005_provider"
down_revision = "0004_registry"


def text() -> sa.Text:
    return sa.Text(collation="C")


def moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    # Each row gets one of its own; the previous release goes on adding rows without naming it.
    name = sa.Column("sid", text(), nullable=False, server_default=sa.text("gen_random_uuid()::text"))
    op.add_column("sessions", name)
    op.create_unique_constraint("sessions_sid_key", "sessions", ["sid"])
    op.create_table(
        "grants",
        sa.Column("id", text(), primary_key=True),
        sa.Column("client_id", text(), nullable=False),
        sa.Column("sid", text(), sa.ForeignKey("sessions.sid", ondelete="CASCADE"), nullable=False),
        sa.Column("subject", text(), nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("acr", sa.Text, nullable=False),
        sa.Column("auth_time", moment(), nullable=False),
        sa.Column("begun_at", moment(), nullable=False),
        sa.Column("redeemed_at", moment()),
        sa.Column("ended_at", moment()),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("rotated_at", moment()),
    )
    op.create_index("grants_of_session", "grants", ["sid"])
    op.create_table(
        "codes",
        sa.Column("key", text(), primary_key=True),
        sa.Column("grant_id", text(), sa.ForeignKey("grants.id", ondelete="CASCADE"), nullable=False),
        sa.Column("redirect_uri", sa.Text, nullable=False),
        sa.Column("challenge", sa.Text, nullable=False),
        sa.Column("nonce", sa.Text, nullable=False),
        sa.Column("expires_at", moment(), nullable=False),
    )
    op.create_index("codes_of_grant", "codes", ["grant_id"])
    op.create_table(
        "refresh_tokens",
        sa.Column("key", text(), primary_key=True),
        sa.Column("grant_id", text(), sa.ForeignKey("grants.id", ondelete="CASCADE"), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("issued_at", moment(), nullable=False),
    )
    op.create_index("refresh_tokens_of_grant", "refresh_tokens", ["grant_id"])
    op.create_table(
        "logouts",
        sa.Column("client_id", text(), primary_key=True),
        sa.Column("sid", text(), primary_key=True),
        sa.Column("subject", text(), nullable=False),
        sa.Column("ended_at", moment(), nullable=False),
        sa.Column("next_try_at", moment(), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("told_at", moment()),
    )
    op.create_index("logouts_untold", "logouts", ["next_try_at"], postgresql_where=sa.text("told_at IS NULL"))
    op.create_index("logouts_age", "logouts", ["ended_at"])


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
