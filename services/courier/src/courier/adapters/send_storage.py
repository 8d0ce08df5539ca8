"""The transaction of sending: numbers, order, what goes out, and what peers answered about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from courier.adapters import sql
from courier.adapters.books import Books, uuids
from courier.adapters.jose import unverified_payload
from courier.domain.canonical import digest
from courier.domain.envelope import Lane, decode
from courier.domain.receipts import Item
from courier.usecases.ports import Outbound, Settled, Signed, Subject, Unsent
from courier.usecases.resend_message import Refused

_SENT = {
    "peer": "text", "id": "uuid", "lane": "text", "epoch": "bigint", "number": "bigint", "log_seq": "bigint",
    "service": "text", "type": "text", "subject": "text", "subject_seq": "bigint", "opens": "text", "agreement": "bigint",
    "signed": "text", "trace": "text", "state": "text", "code": "text", "created_at": "timestamptz",
    "valid_until": "timestamptz", "settled_at": "timestamptz",
}  # fmt: skip


class SendBooks(Books):
    """What goes out and what becomes of it."""

    def lock_numbers(self, peers: Iterable[str]) -> dict[tuple[str, Lane], int]:
        if not (peers := set(peers)):
            return {}
        wanted = [(peer, lane.value, 0) for peer in sorted(peers) for lane in (Lane.ASK, Lane.MAIN)]
        columns = {"peer": "text", "lane": "text", "last": "bigint"}
        rows = self._locked_numbers(wanted)
        if len(rows) < len(wanted):
            sql.insert(self.connection, "sequence", columns, wanted, "ON CONFLICT DO NOTHING")
            rows = self._locked_numbers(wanted)
        return {(peer, Lane(lane)): last for peer, lane, last in rows}

    def _locked_numbers(self, wanted: Sequence[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
        ask = "SELECT peer, lane, last FROM sequence WHERE peer = ANY(%s) ORDER BY peer, lane FOR UPDATE"
        return [tuple(row) for row in self.connection.exec_driver_sql(ask, (sorted({peer for peer, _, _ in wanted}),))]

    def save_numbers(self, numbers: Mapping[tuple[str, Lane], int]) -> None:
        rows = [(peer, lane.value, last) for (peer, lane), last in numbers.items()]
        sql.change(
            self.connection,
            """UPDATE sequence SET last = new.last FROM {rows} AS new (peer, lane, last)
               WHERE sequence.peer = new.peer AND sequence.lane = new.lane AND sequence.last <> new.last""",
            ("text", "text", "bigint"),
            rows,
        )

    def known(self, ids: Iterable[UUID]) -> set[UUID]:
        ask = """SELECT id::text FROM sent WHERE id = ANY(%s::uuid[])
                 UNION SELECT id::text FROM early WHERE id = ANY(%s::uuid[])"""
        wanted = uuids(ids)
        return {UUID(id) for (id,) in self.connection.exec_driver_sql(ask, (wanted, wanted))}

    # Order of the services' own counts ----------------------------------------------------------------------------------

    def streams(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, int]]:
        ask = """SELECT s.target, s.subject, s.service, s.taken FROM stream s
                 JOIN {rows} AS k (target, subject) USING (target, subject)"""
        rows = sql.joined(self.connection, ask, ("text", "text"), list(keys))
        return {(target, subject): (service, taken) for target, subject, service, taken in rows}

    def save_streams(self, streams: Mapping[tuple[str, str], tuple[str, int]]) -> None:
        columns = {"target": "text", "subject": "text", "service": "text", "taken": "bigint"}
        rows = [(*key, *value) for key, value in streams.items()]
        then = "ON CONFLICT (target, subject) DO UPDATE SET taken = excluded.taken"
        sql.insert(self.connection, "stream", columns, rows, then)

    def early(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], dict[int, str]]:
        ask = """SELECT e.target, e.subject, e.subject_seq, e.message FROM early e
                 JOIN {rows} AS k (target, subject) USING (target, subject)"""
        found: dict[tuple[str, str], dict[int, str]] = {}
        for target, subject, seq, message in sql.joined(self.connection, ask, ("text", "text"), list(keys)):
            found.setdefault((target, subject), {})[seq] = message
        return found

    def keep_early(self, messages: Mapping[Outbound, str], now: datetime) -> None:
        columns = {
            "target": "text", "subject": "text", "subject_seq": "bigint", "id": "uuid", "message": "text", "at": "timestamptz",
        }  # fmt: skip
        rows = [(m.target, m.subject, m.seq, str(m.id), sealed, now) for m, sealed in messages.items()]
        sql.insert(self.connection, "early", columns, rows, "ON CONFLICT DO NOTHING")

    def drop_early(self, keys: Iterable[tuple[str, str, int]]) -> None:
        statement = """DELETE FROM early e USING {rows} AS k (target, subject, seq)
                       WHERE e.target = k.target AND e.subject = k.subject AND e.subject_seq = k.seq"""
        sql.change(self.connection, statement, ("text", "text", "bigint"), list(keys))

    # What goes out ------------------------------------------------------------------------------------------------------

    def subjects(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Subject]:
        ask = """SELECT s.peer, s.subject, s.sent_epoch, s.sent, s.agreement FROM subject s
                 JOIN {rows} AS k (peer, subject) USING (peer, subject)"""
        rows = sql.joined(self.connection, ask, ("text", "text"), list(keys))
        return {(peer, subject): Subject(epoch, sent, agreement) for peer, subject, epoch, sent, agreement in rows}

    def save_sent_subjects(self, subjects: Mapping[tuple[str, str], Subject]) -> None:
        columns = {"peer": "text", "subject": "text", "sent_epoch": "bigint", "sent": "bigint", "agreement": "bigint"}
        rows = [(*key, item.sent_epoch, item.sent, item.agreement) for key, item in subjects.items()]
        then = """ON CONFLICT (peer, subject) DO UPDATE SET sent_epoch = excluded.sent_epoch, sent = excluded.sent,
                  agreement = coalesce(subject.agreement, excluded.agreement)"""
        sql.insert(self.connection, "subject", columns, rows, then)

    def add_sent(self, messages: Sequence[Signed], now: datetime) -> None:
        rows = [_sent_row(message, now) for message in messages]
        sql.insert(self.connection, "sent", _SENT, rows)
        self._add_due(messages, now)
        sealed = [(message.claims.target, str(message.claims.id), message.sealed) for message in messages]
        sql.insert(self.connection, "sealed", {"peer": "text", "id": "uuid", "jwe": "text"}, sealed)

    def _add_due(self, messages: Sequence[Signed], now: datetime) -> None:
        columns = {
            "peer": "text", "id": "uuid", "due_at": "timestamptz", "log_seq": "bigint", "created_at": "timestamptz",
            "valid_until": "timestamptz",
        }  # fmt: skip
        rows = [(m.claims.target, str(m.claims.id), now, _log_seq(m), now, m.claims.valid_until) for m in messages]
        sql.insert(self.connection, "due", columns, rows)

    def add_chunks(self, peer: str, id: UUID, chunks: Sequence[str]) -> None:
        for position, jwe in enumerate(chunks):  # one by one: together they may be many MiB
            self.connection.exec_driver_sql(
                """INSERT INTO chunk (peer, digest, id, position, jwe) VALUES (%s, %s, %s::uuid, %s, %s)
                   ON CONFLICT DO NOTHING""",
                (peer, digest(jwe.encode("ascii")), str(id), position, jwe),
            )

    def add_unsent(self, refused: Sequence[Unsent], now: datetime) -> None:
        rows = [
            (
                item.peer, str(item.message.id), "", 0, 0, 0, item.message.service, item.message.type,
                item.message.subject[:200], 0, item.message.opens, 0, "", item.message.trace, "refused", item.code, now,
                None, now,
            )
            for item in refused
        ]  # fmt: skip
        sql.insert(self.connection, "sent", _SENT, rows, "ON CONFLICT DO NOTHING")
        sealed = [(item.peer, str(item.message.id), item.sealed) for item in refused if item.sealed]
        columns = {"peer": "text", "id": "uuid", "jwe": "text"}
        sql.insert(self.connection, "sealed", columns, sealed, "ON CONFLICT DO NOTHING")

    # Once more ----------------------------------------------------------------------------------------------------------

    def refused(self, id: UUID) -> list[Refused]:
        rows = self.connection.exec_driver_sql(
            """SELECT s.peer, s.service, s.opens, s.trace, b.jwe, CASE WHEN s.number > 0 THEN l.jws END
               FROM sent s JOIN sealed b USING (id, peer) LEFT JOIN log l ON l.seq = s.log_seq
               WHERE s.id = %s::uuid AND s.state = 'refused' ORDER BY s.peer FOR UPDATE OF s""",
            (str(id),),
        )
        return [
            Refused(id, peer, service, opens, trace, jwe, decode(unverified_payload(jws)) if jws else None)
            for peer, service, opens, trace, jwe, jws in rows
        ]

    def withdraw(self, refused: Refused) -> UUID | None:
        key = (str(refused.id), refused.peer)
        self.connection.exec_driver_sql("DELETE FROM sealed WHERE id = %s::uuid AND peer = %s", key)
        receipt_id = self.connection.exec_driver_sql(
            "DELETE FROM sent WHERE id = %s::uuid AND peer = %s RETURNING receipt_id::text", key
        ).scalar()
        return UUID(receipt_id) if receipt_id else None

    def keep_earlier(self, refused: Refused, receipt_id: UUID) -> None:
        self.connection.exec_driver_sql(
            "UPDATE sent SET earlier_receipts = earlier_receipts || %s::uuid WHERE id = %s::uuid AND peer = %s",
            (str(receipt_id), str(refused.id), refused.peer),
        )

    # What became of it --------------------------------------------------------------------------------------------------

    def settle(
        self, peer: str, items: Sequence[Item], state: str, receipt_id: UUID, now: datetime
    ) -> list[tuple[Settled, Item]]:
        by_id = {item.id: item for item in items}
        statement = """
            UPDATE sent SET state = %s, settled_at = %s, receipt_id = %s::uuid, code = new.code
            FROM {rows} AS new (lane, epoch, number, id, signed, code)
            WHERE sent.peer = %s AND sent.id = new.id AND sent.lane = new.lane AND sent.epoch = new.epoch
              AND sent.number = new.number AND sent.signed = new.signed AND sent.settled_at IS NULL
            RETURNING sent.id::text, sent.service, sent.type, sent.subject"""
        kinds = ("text", "bigint", "bigint", "uuid", "text", "text")
        rows = [(i.lane.value, i.epoch, i.number, str(i.id), i.signed, i.code) for i in items]
        values = (state, now, str(receipt_id), *sql.arrays(rows, len(kinds)), peer)
        found = self.connection.exec_driver_sql(statement.format(rows=sql.unnest(kinds)), values).all()
        done = [id for id, *_ in found]
        sql.write(self.connection, "DELETE FROM due WHERE peer = %s AND id = ANY(%s::uuid[])", (peer, done))
        return [
            (Settled(UUID(id), peer, service, type, subject), by_id[UUID(id)]) for id, service, type, subject in found
        ]

    def differing(self, peer: str, items: Sequence[Item]) -> int:
        """How many numbers the peer's receipt names with another digest than was ever signed under them here."""
        statement = """
            SELECT count(*) FROM {rows} AS new (lane, epoch, number, id, signed)
            JOIN sent ON sent.id = new.id AND sent.lane = new.lane AND sent.epoch = new.epoch AND sent.number = new.number
            WHERE sent.peer = %s AND sent.signed <> new.signed"""
        kinds = ("text", "bigint", "bigint", "uuid", "text")
        rows = [(i.lane.value, i.epoch, i.number, str(i.id), i.signed) for i in items]
        values = (*sql.arrays(rows, len(kinds)), peer)
        return self.connection.exec_driver_sql(statement.format(rows=sql.unnest(kinds)), values).scalar_one()

    def in_conflict(self, peer: str, items: Sequence[Item]) -> int:
        """How many of these are numbers of ours, as we signed them, that are still open."""
        statement = """
            SELECT count(*) FROM {rows} AS new (id, signed) JOIN sent ON sent.id = new.id AND sent.signed = new.signed
            WHERE sent.peer = %s AND sent.settled_at IS NULL"""
        values = (uuids(item.id for item in items), [item.signed for item in items], peer)
        return self.connection.exec_driver_sql(statement.format(rows=sql.unnest(("uuid", "text"))), values).scalar_one()

    def count_settled(self, peer: str, receipted: int, refused: int) -> None:
        sql.write(
            self.connection,
            "UPDATE link SET receipted = receipted + %s, refused_by_peer = refused_by_peer + %s WHERE peer = %s",
            (receipted, refused, peer),
        )

    def never_opened(self, peer: str, subjects: Iterable[str]) -> None:
        self.connection.exec_driver_sql(
            """UPDATE subject SET agreement = NULL WHERE peer = %s AND subject = ANY(%s::text[]) AND NOT EXISTS (
                   SELECT 1 FROM log l LEFT JOIN sent s ON s.id = l.id AND s.peer = l.peer AND s.number = l.number
                   WHERE l.subject = subject.subject AND l.peer = subject.peer
                     AND (l.kind = 'accepted' OR (l.kind = 'sent' AND s.state <> 'refused')))""",
            (peer, list(subjects)),
        )

    # A new epoch --------------------------------------------------------------------------------------------------------

    def lock_everything(self) -> None:
        self.connection.exec_driver_sql("LOCK TABLE sequence, stream, sent, due IN SHARE ROW EXCLUSIVE MODE")

    def unsettled(self) -> list[Signed]:
        ask = """SELECT s.service, s.opens, l.jws, s.signed, b.jwe, s.trace FROM due d
                 JOIN sent s USING (id, peer) JOIN sealed b USING (id, peer) JOIN log l ON l.seq = s.log_seq
                 ORDER BY s.peer, s.lane, s.epoch, s.number"""
        return [
            Signed(decode(unverified_payload(jws)), service, opens, jws, signed, jwe, trace)
            for service, opens, jws, signed, jwe, trace in self.connection.exec_driver_sql(ask)
        ]

    def begin_epoch(self, epoch: int, mark: str) -> None:
        execute = self.connection.exec_driver_sql
        execute("UPDATE state SET head_epoch = %s, database_mark = %s", (epoch, mark))
        execute("UPDATE sequence SET last = 0")
        execute("UPDATE stream SET taken = -1")
        execute("DELETE FROM due")

    def renumber(self, messages: Sequence[Signed], now: datetime) -> None:
        statement = """
            UPDATE sent SET epoch = new.epoch, number = new.number, subject_seq = new.seq, signed = new.signed,
                log_seq = new.log_seq
            FROM {rows} AS new (peer, id, epoch, number, seq, signed, log_seq)
            WHERE sent.peer = new.peer AND sent.id = new.id"""
        rows = [
            (
                m.claims.target,
                str(m.claims.id),
                m.claims.epoch,
                m.claims.number,
                m.claims.subject_seq,
                m.signed,
                _log_seq(m),
            )
            for m in messages
        ]
        if rows:
            kinds = ("text", "uuid", "bigint", "bigint", "bigint", "text", "bigint")
            sql.joined(self.connection, statement, kinds, rows)
            self._add_due(messages, now)
        last: dict[tuple[str, Lane], int] = {}
        places: dict[tuple[str, str], Subject] = {}
        for message in messages:
            claims = message.claims
            last[claims.target, claims.lane] = claims.number
            if claims.subject_seq:
                places[claims.target, claims.subject] = Subject(claims.epoch, claims.subject_seq, None)
        self.save_numbers(last)
        self.save_sent_subjects(places)


def _log_seq(message: Signed) -> int:
    """Where the log records it: an envelope carries the head right before its own entry."""
    return message.claims.head.seq + 1


def _sent_row(message: Signed, now: datetime) -> tuple[object, ...]:
    claims = message.claims
    return (
        claims.target, str(claims.id), claims.lane.value, claims.epoch, claims.number, _log_seq(message), message.service,
        claims.type, claims.subject, claims.subject_seq, message.opens, claims.agreement, message.signed, message.trace,
        "waiting", "", now, claims.valid_until, None,
    )  # fmt: skip
