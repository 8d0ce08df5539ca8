"""Identity's tables; migrations make them, storage.py reads and writes them."""

from __future__ import annotations

from chassis.database import messaging_tables
from sqlalchemy import BigInteger, Boolean, Column, DateTime, ForeignKey, Index, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

metadata = MetaData()

#: Everybody who can sign in here. What ends in `_sealed` opens with the field key only.
accounts = Table(
    "accounts",
    metadata,
    Column("subject", Text(collation="C"), primary_key=True),
    Column("login", Text(collation="C"), nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("acr", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("name_sealed", LargeBinary),
    Column("id_number_sealed", LargeBinary),
    Column("id_number_hash", Text(collation="C")),
    Column("email_sealed", LargeBinary),
    Column("phone_sealed", LargeBinary),
    Column("language", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("sample", Boolean, nullable=False),
)

#: A number that is only claimed (L2) may stand in many accounts; a proven one stands in one.
Index("accounts_proven_id_number_hash", accounts.c.id_number_hash, unique=True, postgresql_where=accounts.c.acr != "L2")

#: Signed-in browsers, by a hash of the cookie.
sessions = Table(
    "sessions",
    metadata,
    Column("key", Text(collation="C"), primary_key=True),
    Column("subject", Text(collation="C"), ForeignKey("accounts.subject"), nullable=False),
    Column("signed_in_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
)
Index("sessions_of_subject", sessions.c.subject)
Index("sessions_expiry", sessions.c.expires_at)

#: Machines that sign in by a key.
clients = Table(
    "clients",
    metadata,
    Column("client_id", Text(collation="C"), primary_key=True),
    Column("public_jwk", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("registered_at", DateTime(timezone=True), nullable=False),
    Column("enabled", Boolean, nullable=False),
)

#: Client assertions that were used, so that none is used twice.
used_assertions = Table(
    "used_assertions",
    metadata,
    Column("client_id", Text(collation="C"), primary_key=True),
    Column("jti", Text(collation="C"), primary_key=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)
Index("used_assertions_expiry", used_assertions.c.expires_at)

#: The registries of districts that were kept, as the alliance's root key signed them; the newest counts.
registries = Table(
    "registries",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False),
    Column("kept_at", DateTime(timezone=True), nullable=False),
)

messaging = messaging_tables(metadata)
