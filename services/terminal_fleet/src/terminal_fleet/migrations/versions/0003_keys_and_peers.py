"""A key belongs to one kiosk, and the districts with which this one has an agreement are known."""

import sqlalchemy as sa
from alembic import op

revision = "0003_keys_and_peers"
down_revision = "0002_housekeeping"


def upgrade() -> None:
    op.add_column("kiosks", sa.Column("key_thumbprint", sa.Text, nullable=False, server_default=""))
    op.create_index(
        "kiosks_key", "kiosks", ["key_thumbprint"], unique=True, postgresql_where=sa.text("key_thumbprint <> ''")
    )
    op.create_table("peers", sa.Column("code", sa.Text, primary_key=True))


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
