"""For which firms of their home people of other districts may act, as it said last."""

import sqlalchemy as sa
from alembic import op

revision = "0009_foreign_firms"
down_revision = "0008_federation"


def upgrade() -> None:
    op.create_table(
        "foreign_firms",
        sa.Column("subject", sa.Text(collation="C"), sa.ForeignKey("foreign_accounts.subject"), primary_key=True),
        sa.Column("firms_sealed", sa.LargeBinary, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("foreign_firms_age", "foreign_firms", ["until"])


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
