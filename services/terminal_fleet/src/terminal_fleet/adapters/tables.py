"""The terminal fleet's tables; migrations make them, storage.py reads and writes them."""

from __future__ import annotations

from chassis.database import messaging_tables
from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, MetaData, Table, Text

metadata = MetaData()

#: One row a kiosk that this district owns or hosts.
kiosks = Table(
    "kiosks",
    metadata,
    Column("id", Text(collation="C"), primary_key=True),
    Column("owner", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("placement", Text, nullable=False),
    Column("placement_reason", Text, nullable=False),
    Column("registered_at", DateTime(timezone=True), nullable=False),
    Column("client_id", Text, nullable=False),
    Column("health", Text, nullable=False),
    Column("last_heartbeat_at", DateTime(timezone=True)),
    Column("sequence", BigInteger, nullable=False),
    Column("software_version", Text, nullable=False),
    Column("offer_id", Text, nullable=False),
    Column("attention", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("key_thumbprint", Text, nullable=False, server_default=""),
    CheckConstraint("(health = 'never_seen') = (last_heartbeat_at IS NULL)", name="kiosks_seen_at_a_time"),
)
#: Those that may fall silent: own ones (a copy has no client) that are online, by their last heartbeat.
Index(
    "kiosks_online",
    kiosks.c.last_heartbeat_at,
    postgresql_where=(kiosks.c.health == "online") & (kiosks.c.client_id != ""),
)

#: One kiosk a key. Kiosks registered before their thumbprints were kept have none, and neither have copies.
Index("kiosks_key", kiosks.c.key_thumbprint, unique=True, postgresql_where=kiosks.c.key_thumbprint != "")

#: The districts with which this one has an agreement, as the courier told.
peers = Table("peers", metadata, Column("code", Text, primary_key=True))

messaging = messaging_tables(metadata)
