"""The courier's tables.

state            one row: this database's epoch and the log's head; its lock puts log entries in one row
sequence         per peer and lane: the next number; its lock is the lock per peer
log              every entry of the chain, with the envelope's signature, for ever
sent             what goes to peers and what became of it
sealed           the sealed bodies of what was sent, 30 days after the receipt
chunk            the sealed chunks of bodies too large for one envelope, as long as their message's sealed body
parcel, piece    messages whose body is on its way to us, and its chunks: wanted, asked for, or here
received         every number taken from a peer, with id and digest, for ever: replay ends here
held             arrived early in its subject: waits, sealed as it came
receipt          receipts given and got, for ever
subject          per peer and subject: how far each direction is, and the agreement it was opened under
stream           per target and subject: how far the sending service's own count is
early            handed over by the relay before what comes before it; sealed to ourselves
arrival          per peer, lane and epoch: up to which number nothing is missing
link             per peer: canaries, clock, lights' events
anchor           heads that peers signed in canaries
quarantine       what nobody could be held to; bounded per writer
registry         every registry version that was installed, for ever (with it, every retired public key)
agreement        every agreement that was installed, for ever
"""

from __future__ import annotations

import sqlalchemy as sa
from chassis.database import messaging_tables
from sqlalchemy.dialects import postgresql as pg

metadata = sa.MetaData()
messaging = messaging_tables(metadata)

_big, _text, _int = sa.BigInteger, sa.Text, sa.Integer
_uuid = pg.UUID(as_uuid=True)
_moment = sa.DateTime(timezone=True)


def _column(name: str, kind: object, *, nullable: bool = False, default: str | None = None) -> sa.Column:
    return sa.Column(name, kind, nullable=nullable, server_default=sa.text(default) if default is not None else None)  # type: ignore[arg-type]


def _key(name: str, kind: object) -> sa.Column:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)  # type: ignore[arg-type]


state = sa.Table(
    "state",
    metadata,
    _key("only", _int),
    _column("head_epoch", _big),
    _column("head_seq", _big),
    _column("head_hash", _text),
    _column("database_mark", _text),
)
sequence = sa.Table("sequence", metadata, _key("peer", _text), _key("lane", _text), _column("last", _big))
log = sa.Table(
    "log",
    metadata,
    _key("seq", _big),
    _column("kind", _text),
    _column("at", _moment),
    _column("peer", _text),
    _column("lane", _text),
    _column("epoch", _big),
    _column("number", _big),
    _column("id", _uuid, nullable=True),
    _column("subject", _text),
    _column("subject_seq", _big),
    _column("signed", _text),
    _column("code", _text),
    _column("digest", _text),
    _column("hash", _text),
    _column("jws", _text),
)
sa.Index("log_subject", log.c.subject, log.c.seq)
sent = sa.Table(
    "sent",
    metadata,
    _key("id", _uuid),
    _key("peer", _text),
    _column("lane", _text),
    _column("epoch", _big),
    _column("number", _big),
    _column("log_seq", _big),
    _column("service", _text),
    _column("type", _text),
    _column("subject", _text),
    _column("subject_seq", _big),
    _column("opens", _text),
    _column("agreement", _big),
    _column("signed", _text),
    _column("trace", _text),
    _column("state", _text),
    _column("code", _text, default="''"),
    _column("created_at", _moment),
    _column("valid_until", _moment, nullable=True),
    _column("settled_at", _moment, nullable=True),
    _column("receipt_id", _uuid, nullable=True),
    _column("answered_at", _moment, nullable=True),
    _column("earlier_receipts", pg.ARRAY(_uuid), default="'{}'"),
)
sa.Index(
    "sent_number",
    sent.c.peer,
    sent.c.lane,
    sent.c.epoch,
    sent.c.number,
    unique=True,
    postgresql_where=sent.c.number > 0,
)
sa.Index(
    "sent_unanswered",
    sent.c.peer,
    sent.c.created_at,
    postgresql_where=sa.and_(sent.c.opens != "", sent.c.answered_at.is_(None)),
)
due = sa.Table(
    "due",
    metadata,
    _key("id", _uuid),
    _key("peer", _text),
    _column("due_at", _moment),
    _column("log_seq", _big),
    _column("created_at", _moment),
    _column("valid_until", _moment, nullable=True),
    _column("attempts", _int, default="0"),
)
sa.Index("due_expires", due.c.valid_until, postgresql_where=due.c.valid_until.is_not(None))
sa.Index("due_next", due.c.peer, due.c.due_at, due.c.log_seq)
sealed = sa.Table("sealed", metadata, _key("id", _uuid), _key("peer", _text), _column("jwe", _text))
received = sa.Table(
    "received",
    metadata,
    _key("source", _text),
    _key("lane", _text),
    _key("epoch", _big),
    _key("number", _big),
    _column("id", _uuid),
    _column("signed", _text),
    _column("verdict", _text),
    _column("code", _text),
    _column("receipt_id", _uuid, nullable=True),
    _column("at", _moment),
)
sa.Index("received_id", received.c.id)
held = sa.Table(
    "held",
    metadata,
    _key("source", _text),
    _key("subject", _text),
    _key("epoch", _big),
    _key("subject_seq", _big),
    _column("jws", _text, nullable=True),
    _column("jwe", _text, nullable=True),
    _column("trace", _text),
    _column("at", _moment),
)
receipt = sa.Table(
    "receipt",
    metadata,
    _key("id", _uuid),
    _column("peer", _text),
    _column("given", sa.Boolean),
    _column("jws", _text),
    _column("at", _moment),
)
subject = sa.Table(
    "subject",
    metadata,
    _key("peer", _text),
    _key("subject", _text),
    _column("sent_epoch", _big, default="0"),
    _column("sent", _big, default="0"),
    _column("handed_epoch", _big, default="0"),
    _column("handed", _big, default="0"),
    _column("agreement", _big, nullable=True),
)
stream = sa.Table(
    "stream",
    metadata,
    _key("target", _text),
    _key("subject", _text),
    _column("service", _text),
    _column("taken", _big),
)
early = sa.Table(
    "early",
    metadata,
    _key("target", _text),
    _key("subject", _text),
    _key("subject_seq", _big),
    _column("id", _uuid),
    _column("message", _text),
    _column("at", _moment),
)
arrival = sa.Table(
    "arrival",
    metadata,
    _key("source", _text),
    _key("lane", _text),
    _key("epoch", _big),
    _column("contiguous", _big, default="0"),
    _column("highest", _big, default="0"),
    _column("claimed", _big, default="0"),
    _column("accepted", _big, default="0"),
    _column("refused", _big, default="0"),
    _column("gap_since", _moment, nullable=True),
    _column("asked_at", _moment, nullable=True),
)
link = sa.Table(
    "link",
    metadata,
    _key("peer", _text),
    _column("linked_since", _moment),
    _column("open", sa.Boolean),
    _column("openings", _big, default="0"),
    _column("canary", _big, default="0"),
    _column("echoed", _big, default="0"),
    _column("last_echo", _moment, nullable=True),
    _column("round_trip_ms", sa.Float, default="0"),
    _column("clock_difference_ms", sa.Float, default="0"),
    _column("receipted", _big, default="0"),
    _column("refused_by_peer", _big, default="0"),
    _column("last_conflict", _moment, nullable=True),
    _column("last_restore", _moment, nullable=True),
    _column("last_receipt_differing", _moment, nullable=True),
    _column("last_log_differing", _moment, nullable=True),
    _column("last_agreement_missing", _moment, nullable=True),
)
anchor = sa.Table(
    "anchor",
    metadata,
    _key("peer", _text),
    _key("epoch", _big),
    _key("seq", _big),
    _column("hash", _text),
    _column("jws", _text),
    _column("at", _moment),
)
quarantine = sa.Table(
    "quarantine",
    metadata,
    _key("id", _uuid),
    _column("at", _moment),
    _column("written_by", _text),
    _column("source", _text),
    _column("code", _text),
    _column("size", _big),
    _column("start", sa.LargeBinary),
)
sa.Index("quarantine_writer", quarantine.c.written_by, quarantine.c.at)
registry = sa.Table(
    "registry", metadata, _key("version", _big), _column("document", _text), _column("installed_at", _moment)
)
agreement = sa.Table(
    "agreement",
    metadata,
    _key("one", _text),
    _key("other", _text),
    _key("version", _big),
    _column("document", _text),
    _column("installed_at", _moment),
)
chunk = sa.Table(
    "chunk",
    metadata,
    _key("peer", _text),
    _key("digest", _text),
    _column("id", _uuid),
    _column("position", _int),
    _column("jwe", _text),
)
sa.Index("chunk_message", chunk.c.id, chunk.c.peer)
parcel = sa.Table(
    "parcel",
    metadata,
    _key("source", _text),
    _key("id", _uuid),
    _column("jws", _text),
    _column("jwe", _text),
    _column("trace", _text),
    _column("size", _big),
    _column("at", _moment),
)
piece = sa.Table(
    "piece",
    metadata,
    _key("source", _text),
    _key("parcel", _uuid),
    _key("position", _int),
    _column("digest", _text),
    _column("size", _int),
    _column("jwe", _text, nullable=True),
    _column("asked_at", _moment, nullable=True),
)
sa.Index("piece_missing", piece.c.source, piece.c.digest, postgresql_where=piece.c.jwe.is_(None))
