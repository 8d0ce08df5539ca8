"""Sessions that just ended are found by when: the gateway asks for them every few seconds."""

from alembic import op

revision = "0006_ended_sessions"
down_revision = "0005_provider"


def upgrade() -> None:
    op.create_index("sessions_ended", "sessions", ["ended_at"])


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
