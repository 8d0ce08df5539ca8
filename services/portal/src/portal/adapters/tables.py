"""The portal's tables; migrations make them, storage.py reads and writes them."""

from __future__ import annotations

from chassis.resealing import SealedTable, SealedTables, field_keys_table
from sqlalchemy import Column, DateTime, Index, LargeBinary, MetaData, Table, Text

metadata = MetaData()

#: Signed-in browsers, by a hash of the cookie. Person and tokens open with the field key only.
sessions = Table(
    "sessions",
    metadata,
    Column("key", Text(collation="C"), primary_key=True),
    Column("sid", Text(collation="C"), nullable=False),
    Column("subject", Text(collation="C"), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("token_expires_at", DateTime(timezone=True), nullable=False),
    Column("claimed_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)
Index("sessions_of_sid", sessions.c.sid)
Index("sessions_of_subject", sessions.c.subject)
Index("sessions_expiry", sessions.c.expires_at)

#: Sessions of identity that were ended there: one whose end overtakes its beginning never begins here.
ended_sids = Table(
    "ended_sids",
    metadata,
    Column("sid", Text(collation="C"), primary_key=True),
    Column("ended_at", DateTime(timezone=True), nullable=False),
)
Index("ended_sids_ended_at", ended_sids.c.ended_at)

field_keys = field_keys_table(metadata)

SEALED = SealedTables((SealedTable(sessions, {"sealed": "sessions.sealed.{key}"}),))
