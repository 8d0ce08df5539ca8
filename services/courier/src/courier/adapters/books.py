"""What every transaction of the courier can do: the log, receipts, events for services, quarantine, notes on a link."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.outbox import Outbox
from sqlalchemy import Connection

from courier import messages
from courier.adapters import sql
from courier.domain.chain import GENESIS, Entry, Head
from courier.usecases.ports import Quarantined, Settled

#: At most so many things of one writer are kept aside; older ones make room.
QUARANTINE_PER_WRITER = 200
QUARANTINE_START = 1024

_LOG = {
    "seq": "bigint",
    "kind": "text",
    "at": "timestamptz",
    "peer": "text",
    "lane": "text",
    "epoch": "bigint",
    "number": "bigint",
    "id": "uuid",
    "subject": "text",
    "subject_seq": "bigint",
    "signed": "text",
    "code": "text",
    "digest": "text",
    "hash": "text",
    "jws": "text",
}
_NOTES = {
    "conflict": "last_conflict",
    "restore": "last_restore",
    "agreement_missing": "last_agreement_missing",
    "receipt_differing": "last_receipt_differing",
    "log_differing": "last_log_differing",
}


class Books:
    """One open transaction."""

    def __init__(self, connection: Connection, outbox: Outbox, *, on_logged: Callable[[], None] = lambda: None) -> None:
        self.connection = connection
        self.outbox = outbox
        self._on_logged = on_logged
        self._head: Head | None = None

    @property
    def last_head(self) -> Head | None:
        """The log's head as this transaction leaves it, if it looked."""
        return self._head

    def lock_head(self) -> Head:
        if self._head is None:
            ask = "SELECT head_epoch, head_seq, head_hash FROM state FOR UPDATE"
            row = self.connection.exec_driver_sql(ask).one_or_none()
            if row is None:
                make = "INSERT INTO state VALUES (1, 1, 0, %s, '') ON CONFLICT DO NOTHING"
                self.connection.exec_driver_sql(make, (GENESIS,))
                row = self.connection.exec_driver_sql(ask).one()
            self._head = Head(*row)
        return self._head

    def append(self, entries: Sequence[Entry], jws: Sequence[str], heads: Sequence[Head]) -> None:
        rows = [
            (
                entry.seq, entry.kind.value, entry.at, entry.peer, entry.lane, entry.epoch, entry.number,
                str(entry.id) if entry.id else None, entry.subject, entry.subject_seq, entry.signed, entry.code,
                entry.digest(), head.hash, signature,
            )
            for entry, signature, head in zip(entries, jws, heads, strict=True)
        ]  # fmt: skip
        sql.insert(self.connection, "log", _LOG, rows)
        self._on_logged()
        head = self._head = heads[-1]
        sql.write(
            self.connection,
            "UPDATE state SET head_epoch = %s, head_seq = %s, head_hash = %s",
            (head.epoch, head.seq, head.hash),
        )

    def lock_links(self, peers: Iterable[str]) -> None:
        wanted = sorted(set(peers))
        sql.write(self.connection, "SELECT 1 FROM link WHERE peer = ANY(%s) ORDER BY peer FOR UPDATE", (wanted,))

    def add_receipt(self, receipt_id: UUID, peer: str, jws: str, *, given: bool, now: datetime) -> None:
        sql.write(
            self.connection,
            "INSERT INTO receipt (id, peer, given, jws, at) VALUES (%s::uuid, %s, %s, %s, %s)",
            (str(receipt_id), peer, given, jws, now),
        )

    def tell_refused(self, settled: Settled, code: str, reason: str, now: datetime) -> None:
        event = messages.message_refused(settled, code, reason, now)
        self.outbox.publish(event, subject=settled.subject, version=0, to=settled.service)

    def note(self, peer: str, event: str, now: datetime) -> None:
        column = _NOTES[event]
        self.connection.exec_driver_sql(f"UPDATE link SET {column} = %s WHERE peer = %s", (now, peer))  # noqa: S608

    def quarantine(self, what: Quarantined) -> None:
        row = (str(what.id), what.at, what.written_by, what.source, what.code, what.size, what.start[:QUARANTINE_START])
        self.connection.exec_driver_sql(
            """INSERT INTO quarantine (id, at, written_by, source, code, size, start)
               VALUES (%s::uuid, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING""",
            row,
        )
        self.connection.exec_driver_sql(
            """DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine WHERE written_by = %s
               ORDER BY at DESC OFFSET %s)""",
            (what.written_by, QUARANTINE_PER_WRITER),
        )


def uuids(ids: Iterable[Any]) -> list[str]:
    """As psycopg2 takes them for `::uuid[]`."""
    return [str(id) for id in ids]
