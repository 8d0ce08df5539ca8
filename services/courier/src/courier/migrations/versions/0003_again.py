"""Messages that wait for their agreement, and the receipts of what was refused before it was sent again."""

from alembic import op

revision = "0003_again"
down_revision = "0002_housekeeping"


def upgrade() -> None:
    op.execute("ALTER TABLE link ADD COLUMN last_agreement_missing TIMESTAMP WITH TIME ZONE")
    op.execute("ALTER TABLE sent ADD COLUMN earlier_receipts UUID[] DEFAULT '{}' NOT NULL")


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
