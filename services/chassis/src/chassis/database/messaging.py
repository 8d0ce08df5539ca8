"""The tables of messaging that every service's database has: outbox, inbox, idempotency, numbering of subjects, dropped letters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg


@dataclass(frozen=True)
class MessagingTables:
    """What outbox, inbox, idempotency and parking keep; the same in every service's database."""

    outbox: sa.Table
    inbox: sa.Table
    once: sa.Table
    subject_sequence: sa.Table
    parking_drops: sa.Table


def messaging_tables(metadata: sa.MetaData) -> MessagingTables:
    """The messaging tables inside a service's own `metadata`, so that drift of the whole schema can be checked."""
    text, moment = sa.Text, sa.DateTime(timezone=True)
    outbox = sa.Table(
        "outbox",
        metadata,
        sa.Column("id", pg.UUID(as_uuid=True), primary_key=True),
        sa.Column("exchange", text, nullable=False),
        sa.Column("routing_key", text, nullable=False),
        sa.Column("type", text, nullable=False),
        sa.Column("headers", pg.JSONB, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("written_at", moment, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("due_at", moment, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("failure", text),
        sa.Column("confirmed_at", moment),
    )
    sa.Index("outbox_waiting", outbox.c.due_at, postgresql_where=outbox.c.confirmed_at.is_(None))
    sa.Index("outbox_confirmed", outbox.c.confirmed_at, postgresql_where=outbox.c.confirmed_at.is_not(None))
    inbox = sa.Table(
        "inbox",
        metadata,
        sa.Column("handler", text, primary_key=True),
        sa.Column("source", text, primary_key=True),
        sa.Column("id", text, primary_key=True),
        sa.Column("handled_at", moment, nullable=False, server_default=sa.func.now()),
    )
    sa.Index("inbox_handled", inbox.c.handled_at)
    once = sa.Table(
        "once",
        metadata,
        sa.Column("scope", text, primary_key=True),
        sa.Column("key", text, primary_key=True),
        sa.Column("digest", text, nullable=False),
        sa.Column("answer", sa.LargeBinary),
        sa.Column("created_at", moment, nullable=False, server_default=sa.func.now()),
    )
    sa.Index("once_created", once.c.created_at)
    subject_sequence = sa.Table(
        "subject_sequence",
        metadata,
        sa.Column("target", text, primary_key=True),
        sa.Column("subject", text, primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    parking_drops = sa.Table(
        "parking_drops",
        metadata,
        sa.Column("id", pg.UUID(as_uuid=True), primary_key=True),
        sa.Column("message_id", text, nullable=False),
        sa.Column("type", text, nullable=False),
        sa.Column("source", text, nullable=False),
        sa.Column("origin_queue", text, nullable=False),
        sa.Column("parked_for", text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("first_failed_at", text, nullable=False),
        sa.Column("dropped_for", text, nullable=False),
        sa.Column("dropped_at", moment, nullable=False),
    )
    return MessagingTables(outbox, inbox, once, subject_sequence, parking_drops)


#: The first release's tables. Frozen: a released migration never changes; a later shape gets its own function.
_MESSAGING_1 = (
    """
    CREATE TABLE outbox (
        id uuid PRIMARY KEY,
        exchange text NOT NULL,
        routing_key text NOT NULL,
        type text NOT NULL,
        headers jsonb NOT NULL,
        body bytea NOT NULL,
        written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        attempts integer NOT NULL DEFAULT 0,
        failure text,
        confirmed_at timestamptz
    )
    """,
    "CREATE INDEX outbox_waiting ON outbox (due_at) WHERE confirmed_at IS NULL",
    "CREATE INDEX outbox_confirmed ON outbox (confirmed_at) WHERE confirmed_at IS NOT NULL",
    """
    CREATE TABLE inbox (
        handler text NOT NULL,
        source text NOT NULL,
        id text NOT NULL,
        handled_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (handler, source, id)
    )
    """,
    """
    CREATE TABLE once (
        scope text NOT NULL,
        key text NOT NULL,
        digest text NOT NULL,
        answer bytea,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (scope, key)
    )
    """,
    """
    CREATE TABLE subject_sequence (
        target text NOT NULL,
        subject text NOT NULL,
        last bigint NOT NULL,
        PRIMARY KEY (target, subject)
    )
    """,
)


def create_messaging_tables(op: Any) -> None:
    """For a service's first Alembic migration: `create_messaging_tables(op)` with alembic's `op`."""
    for statement in _MESSAGING_1:
        op.execute(statement)


#: What forgetting by age and dropping parked messages need. Frozen like the first.
_MESSAGING_2 = (
    "CREATE INDEX inbox_handled ON inbox (handled_at)",
    "CREATE INDEX once_created ON once (created_at)",
    """
    CREATE TABLE parking_drops (
        id uuid PRIMARY KEY,
        message_id text NOT NULL,
        type text NOT NULL,
        source text NOT NULL,
        origin_queue text NOT NULL,
        parked_for text NOT NULL,
        attempts integer NOT NULL,
        first_failed_at text NOT NULL,
        dropped_for text NOT NULL,
        dropped_at timestamptz NOT NULL
    )
    """,
)


def add_messaging_housekeeping(op: Any) -> None:
    """For a service's second migration: what forgetting old rows and dropping parked messages need.

    An index holds up writers of its table while it is built (seconds for a million rows): handlers wait that long or try
    again in place, callers are told `database.busy`. Built concurrently it would wait for every snapshot in the database,
    and a second migration job that waits for the first holds one.
    """
    for statement in _MESSAGING_2:
        op.execute(statement)
