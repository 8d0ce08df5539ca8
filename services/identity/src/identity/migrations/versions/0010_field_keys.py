"""Under which field keys values may stand, so that none of them is taken away too early (ADR 0029)."""

from alembic import op
from chassis.resealing import create_field_keys

revision = "0010_field_keys"
down_revision = "0009_foreign_firms"


def upgrade() -> None:
    create_field_keys(op)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
