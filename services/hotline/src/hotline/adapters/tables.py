"""The hotline's tables; migrations make them, storage.py reads and writes them."""

from __future__ import annotations

from chassis.database import messaging_tables
from chassis.resealing import SealedTable, SealedTables, field_keys_table
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

metadata = MetaData()

#: One row a ticket that this district has a part in. What people wrote is sealed (chassis.sealed).
tickets = Table(
    "tickets",
    metadata,
    Column("number", Text(collation="C"), primary_key=True),
    Column("place", Text(collation="C"), nullable=False, unique=True),
    Column("opened_in", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("opener_subject", Text(collation="C"), nullable=False),
    Column("subject_line_sealed", LargeBinary, nullable=False),
    Column("body_sealed", LargeBinary, nullable=False),
    Column("case_number", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("turn", BigInteger, nullable=False),
    Column("came_from", Text, nullable=False),
    Column("offered_to", Text, nullable=False),
    Column("hand_over_id", Text, nullable=False),
    Column("answer_sealed", LargeBinary),
    Column("answered_by", Text, nullable=False),
    Column("answered_at", DateTime(timezone=True)),
    Column("attention", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    CheckConstraint("(state = 'answered') = (answer_sealed IS NOT NULL)", name="tickets_answered_with_an_answer"),
    CheckConstraint("(state = 'transferring') = (offered_to <> '')", name="tickets_offered_while_transferring"),
)
Index("tickets_of_opener", tickets.c.opener_subject, tickets.c.place)
Index("tickets_to_do", tickets.c.place, postgresql_where=(tickets.c.state == "open") | (tickets.c.attention != ""))

#: A ticket's timeline, one row an act, never changed.
ticket_entries = Table(
    "ticket_entries",
    metadata,
    Column("number", Text(collation="C"), ForeignKey("tickets.number"), primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("district", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("note_sealed", LargeBinary, nullable=False),
)

messaging = messaging_tables(metadata)
field_keys = field_keys_table(metadata)

#: What people wrote, and the place that each text is sealed to.
SEALED = SealedTables(
    (
        SealedTable(
            tickets, {f"{name}_sealed": f"tickets/{{number}}/{name}" for name in ("subject_line", "body", "answer")}
        ),
        SealedTable(ticket_entries, {"note_sealed": "tickets/{number}/entry {position}"}),
    )
)
