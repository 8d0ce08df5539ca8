"""The catalogue's tables; migrations make them, storage.py reads and writes them."""

from __future__ import annotations

from chassis.database import messaging_tables
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

metadata = MetaData()

#: One row an item: this district's own, or the newest copy of a peer's.
items = Table(
    "items",
    metadata,
    Column("code", Text(collation="C"), primary_key=True),
    Column("handling_district", Text(collation="C"), nullable=False),
    Column("is_copy", Boolean, nullable=False),
    Column("name_zh", Text(collation="C"), nullable=False),
    Column("name_en", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("theme", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("statutory_limit_days", Integer, nullable=False),
    Column("promised_limit_days", Integer, nullable=False),
    Column("materials", JSONB, nullable=False),
    Column("source", Text, nullable=False),
    Column("provenance", Text, nullable=False),
    Column("terms_provenance", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False),
    Column("search_text", Text(collation="C"), nullable=False),
    Column("search_grams", ARRAY(Text(collation="C")), nullable=False),
    #: Terms of the title (weight A) and of the text around it (D), and the version that they are of.
    Column("search", TSVECTOR),
    Column("searched_version", BigInteger),
    CheckConstraint(
        "promised_limit_days BETWEEN 1 AND statutory_limit_days", name="items_promised_limit_within_statutory"
    ),
    Index("items_own_first", "is_copy", "code"),
    Index("items_by_name", "name_zh", "code"),
    Index("items_search", "search_grams", postgresql_using="gin"),
    Index("items_by_term", "search", postgresql_using="gin"),
    Index("items_stale", "code", postgresql_where=text("searched_version IS DISTINCT FROM version")),
)

messaging = messaging_tables(metadata)
