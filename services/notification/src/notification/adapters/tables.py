"""Notification's tables; migrations make them, storage.py reads and writes them. No address is in any of them."""

from __future__ import annotations

from chassis.database import messaging_tables
from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

#: What one person was told of one event, which is also the message in the app.
notices = Table(
    "notices",
    metadata,
    Column("id", Text(collation="C"), primary_key=True),  # UUIDv7 as text: sorts by time, and any cursor compares
    Column("about", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("read_at", DateTime(timezone=True)),
    UniqueConstraint("about", "event", "subject", name="notices_once"),
    Index("notices_of_person", "subject", "id"),
)

#: One row a notice and channel.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Text(collation="C"), primary_key=True),
    Column("notice_id", Text(collation="C"), ForeignKey("notices.id"), nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    #: A waiting mail is due from here on; a lease moves it to the lease's end.
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    Column("last_error", Text, nullable=False, server_default=""),
    Column("traceparent", Text, nullable=False, server_default=""),
    UniqueConstraint("notice_id", "channel", name="deliveries_once"),
    CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="deliveries_sent_has_time"),
    Index("deliveries_due", "due_at", postgresql_where=text("state = 'waiting'")),
)

messaging = messaging_tables(metadata)
