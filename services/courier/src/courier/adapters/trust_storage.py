"""The transaction of trust and proof: registries, agreements, and one case's evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from courier import messages, registry_file
from courier.adapters.books import Books
from courier.domain.agreements import Agreement, parties_of
from courier.domain.chain import GENESIS, Entry, Head, Kind
from courier.domain.evidence import Part, Record
from courier.domain.registry import Key, Registry
from courier.domain.rules import Routes
from courier.domain.trust import Trust

_ENTRY = "seq, kind, at, peer, lane, epoch, number, id, subject, subject_seq, signed, code"
#: Anchors of a peer that a part shows: the last few are as good as all.
ANCHORS = 20


class TrustBooks(Books):
    """What was installed, and what can be proven."""

    # Registry and agreements --------------------------------------------------------------------------------------------

    def trust_mark(self) -> tuple[int, int]:
        """Changes whenever something is installed."""
        row = self.connection.exec_driver_sql(
            "SELECT coalesce((SELECT max(version) FROM registry), 0), (SELECT count(*) FROM agreement)"
        ).one()
        return row[0], row[1]

    def trust(self, home: str, root: Mapping[str, Any], routes: Routes) -> Trust:
        """What is installed, its signatures checked again."""
        text = self.registry_text()
        if text is None:
            return Trust(home, None, {}, routes)
        known = registry_file.read_registry(text, root)
        agreements: dict[tuple[str, str], list[Agreement]] = {}
        for made, _ in self.agreement_texts():
            # Signed by keys that may have left the newest registry: checked when it was installed.
            agreements.setdefault(made.parties, []).append(made)
        return Trust(home, known, agreements, routes)

    def registry_text(self) -> str | None:
        """The newest registry as it was signed."""
        return self.connection.exec_driver_sql("SELECT document FROM registry ORDER BY version DESC LIMIT 1").scalar()

    def add_registry(self, registry: Registry, text: str, now: datetime) -> None:
        self.connection.exec_driver_sql(
            "INSERT INTO registry (version, document, installed_at) VALUES (%s, %s, %s)", (registry.version, text, now)
        )

    def tell_registry(self, registry: Registry, text: str) -> None:
        """Tells the services that keep a signed copy of their own."""
        event = messages.registry_installed(registry.version, text)
        self.outbox.publish(event, subject="registry", version=registry.version)

    def agreement_text(self, agreement: Agreement) -> str | None:
        """The same version as it was installed, if it was."""
        return self.agreement_between(*agreement.parties, agreement.version)

    def agreement_between(self, one: str, other: str, version: int) -> str | None:
        """That version as it was signed, if it is here."""
        return self.connection.exec_driver_sql(
            "SELECT document FROM agreement WHERE one = %s AND other = %s AND version = %s",
            (*parties_of(one, other), version),
        ).scalar()

    def add_agreement(self, agreement: Agreement, text: str, now: datetime) -> None:
        self.connection.exec_driver_sql(
            "INSERT INTO agreement (one, other, version, document, installed_at) VALUES (%s, %s, %s, %s, %s)",
            (*agreement.parties, agreement.version, text, now),
        )

    def agreement_texts(self) -> list[tuple[Agreement, str]]:
        ask = "SELECT document FROM agreement ORDER BY one, other, version"
        return [
            (registry_file.installed_agreement(text), text) for text in self.connection.exec_driver_sql(ask).scalars()
        ]

    def tell_agreement(self, agreement: Agreement, text: str, peer: str, keys: Iterable[tuple[str, Key]]) -> None:
        """Tells the services that keep a signed copy of their own."""
        event = messages.agreement_installed(peer, agreement.version, text, keys)
        self.outbox.publish(event, subject=f"agreement/{peer}", version=agreement.version)

    def in_flight(self, peer: str) -> list[str]:
        """Ids of what was sent to `peer` and has no receipt."""
        ask = "SELECT id::text FROM due WHERE peer = %s ORDER BY log_seq"
        return list(self.connection.exec_driver_sql(ask, (peer,)).scalars())

    # The state of this database -----------------------------------------------------------------------------------------

    def database_mark(self) -> str:
        """Changes when this database is another one than before: cluster, database, or a timeline begun by a recovery."""
        return str(
            self.connection.exec_driver_sql(
                """SELECT (SELECT system_identifier FROM pg_control_system()) || '/'
                       || (SELECT oid FROM pg_database WHERE datname = current_database()) || '/'
                       || (SELECT timeline_id FROM pg_control_checkpoint())"""
            ).scalar_one()
        )

    def kept_mark(self) -> str:
        return self.connection.exec_driver_sql("SELECT database_mark FROM state").scalar() or ""

    def keep_mark(self, mark: str) -> None:
        self.lock_head()
        self.connection.exec_driver_sql("UPDATE state SET database_mark = %s", (mark,))

    # Evidence -----------------------------------------------------------------------------------------------------------

    def evidence(self, subject: str) -> tuple[Part, Head, Head] | None:
        """What the log shows about `subject`, the head before its first entry, and the head now; None: nothing."""
        head = self.lock_head()
        ask = "SELECT min(seq) FROM log WHERE subject = %s"
        first = self.connection.exec_driver_sql(ask, (subject,)).scalar()
        if first is None:
            return None
        records = [
            Record(_entry(row), row.jws)
            for row in self.connection.exec_driver_sql(
                f"SELECT {_ENTRY}, jws FROM log WHERE subject = %s OR (kind = %s AND seq >= %s) ORDER BY seq",  # noqa: S608
                (subject, Kind.EPOCH.value, first),
            )
        ]
        links = self.connection.exec_driver_sql("SELECT seq, digest FROM log WHERE seq >= %s ORDER BY seq", (first,))
        part = Part([tuple(row) for row in links], records, self._receipts(subject), self._anchors(records))
        return part, self._head_at(first - 1), head

    def _receipts(self, subject: str) -> list[str]:
        ask = """SELECT jws FROM receipt WHERE id IN (
                     SELECT unnest(earlier_receipts || receipt_id) FROM sent WHERE subject = %s) ORDER BY at, id"""
        return list(self.connection.exec_driver_sql(ask, (subject,)).scalars())

    def _anchors(self, records: list[Record]) -> list[str]:
        found: list[str] = []
        for peer in sorted({record.entry.peer for record in records} - {""}):
            ask = "SELECT jws FROM anchor WHERE peer = %s ORDER BY at DESC LIMIT %s"
            found += self.connection.exec_driver_sql(ask, (peer, ANCHORS)).scalars()
        return found

    def _head_at(self, seq: int) -> Head:
        epochs = "SELECT max(epoch) FROM log WHERE kind = %s AND seq <= %s"
        epoch = self.connection.exec_driver_sql(epochs, (Kind.EPOCH.value, seq)).scalar() or 1
        value = self.connection.exec_driver_sql("SELECT hash FROM log WHERE seq = %s", (seq,)).scalar()
        return Head(epoch, seq, value or GENESIS)


def _entry(row: Any) -> Entry:
    return Entry(
        seq=row.seq,
        kind=Kind(row.kind),
        at=row.at,
        peer=row.peer,
        lane=row.lane,
        epoch=row.epoch,
        number=row.number,
        id=row.id,
        subject=row.subject,
        subject_seq=row.subject_seq,
        signed=row.signed,
        code=row.code,
    )
