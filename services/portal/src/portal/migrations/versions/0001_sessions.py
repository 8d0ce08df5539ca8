"""Sessions of browsers, and the sessions of identity that were ended."""

import sqlalchemy as sa
from alembic import op

revision = "0001_sessions"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("key", sa.Text(collation="C"), primary_key=True),
        sa.Column("sid", sa.Text(collation="C"), nullable=False),
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("token_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True)),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("sessions_of_sid", "sessions", ["sid"])
    op.create_index("sessions_of_subject", "sessions", ["subject"])
    op.create_index("sessions_expiry", "sessions", ["expires_at"])
    op.create_table(
        "ended_sids",
        sa.Column("sid", sa.Text(collation="C"), primary_key=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ended_sids_ended_at", "ended_sids", ["ended_at"])


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
