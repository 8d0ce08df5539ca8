"""Openers of tickets that another district handed over are called by its code and its subject (ADR 0014)."""

from alembic import op

revision = "0003_told_by"
down_revision = "0002_housekeeping"


def upgrade() -> None:
    op.execute(
        """
        UPDATE tickets SET opener_subject = came_from || ':' || opener_subject
        WHERE came_from <> '' AND opener_subject <> '' AND opener_subject NOT LIKE '%:%'
        """
    )


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
