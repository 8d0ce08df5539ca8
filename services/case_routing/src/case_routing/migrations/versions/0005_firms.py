"""A firm may apply, through a person who acts for it."""

import sqlalchemy as sa
from alembic import op

revision = "0005_firms"
down_revision = "0004_told_by"


def upgrade() -> None:
    op.add_column("cases", sa.Column("applicant_kind", sa.Text, nullable=False, server_default="person"))
    for name in ("handler_subject", "handler_peer_subject"):
        op.add_column("cases", sa.Column(name, sa.Text(collation="C"), nullable=False, server_default=""))


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
