"""Old inbox and idempotency rows can be found by age, and dropped parked messages are written down."""

from alembic import op
from chassis.database import add_messaging_housekeeping

revision = "0002_housekeeping"
down_revision = "0001_courier"


def upgrade() -> None:
    add_messaging_housekeeping(op)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
