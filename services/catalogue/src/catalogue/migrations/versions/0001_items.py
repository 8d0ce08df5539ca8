"""Items, and the messaging tables that every service has."""

import sqlalchemy as sa
from alembic import op
from chassis.database import create_messaging_tables
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0001_items"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "items",
        sa.Column("code", sa.Text(collation="C"), primary_key=True),
        sa.Column("handling_district", sa.Text(collation="C"), nullable=False),
        sa.Column("is_copy", sa.Boolean, nullable=False),
        sa.Column("name_zh", sa.Text(collation="C"), nullable=False),
        sa.Column("name_en", sa.Text, nullable=False),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("theme", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("statutory_limit_days", sa.Integer, nullable=False),
        sa.Column("promised_limit_days", sa.Integer, nullable=False),
        sa.Column("materials", JSONB, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("provenance", sa.Text, nullable=False),
        sa.Column("terms_provenance", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("search_text", sa.Text(collation="C"), nullable=False),
        sa.Column("search_grams", ARRAY(sa.Text(collation="C")), nullable=False),
        sa.CheckConstraint(
            "promised_limit_days BETWEEN 1 AND statutory_limit_days", name="items_promised_limit_within_statutory"
        ),
    )
    op.create_index("items_own_first", "items", ["is_copy", "code"])
    op.create_index("items_by_name", "items", ["name_zh", "code"])
    op.create_index("items_search", "items", ["search_grams"], postgresql_using="gin")
    create_messaging_tables(op)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
