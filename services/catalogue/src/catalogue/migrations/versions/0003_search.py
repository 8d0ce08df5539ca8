"""What the search looks at, beside the columns of the previous release, which goes on reading and writing its own.

Rows are filled by the service at its start and whenever the previous release wrote one (usecases/refresh_search.py). The
columns `search_text` and `search_grams` and the index `items_search` go with the release after this one.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0003_search"
down_revision = "0002_housekeeping"


def upgrade() -> None:
    op.add_column("items", sa.Column("search", TSVECTOR))
    op.add_column("items", sa.Column("searched_version", sa.BigInteger))
    op.create_index("items_by_term", "items", ["search"], postgresql_using="gin")
    op.create_index(
        "items_stale",
        "items",
        ["code"],
        postgresql_where=sa.text("searched_version IS DISTINCT FROM version"),
    )


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
