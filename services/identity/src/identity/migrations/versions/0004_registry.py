"""Copies of the registry of districts."""

import sqlalchemy as sa
from alembic import op

revision = "0004_registry"
down_revision = "0003_accounts"


def upgrade() -> None:
    op.create_table(
        "registries",
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
