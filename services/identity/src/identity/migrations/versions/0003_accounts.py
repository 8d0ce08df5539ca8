"""A number that somebody only claims keeps nobody else from claiming it: unique where it was proven."""

import sqlalchemy as sa
from alembic import op

revision = "0003_accounts"
down_revision = "0002_housekeeping"


def upgrade() -> None:
    op.create_index(
        "accounts_proven_id_number_hash",
        "accounts",
        ["id_number_hash"],
        unique=True,
        postgresql_where=sa.text("acr <> 'L2'"),
    )
    op.drop_constraint("accounts_id_number_hash_key", "accounts", type_="unique")


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
