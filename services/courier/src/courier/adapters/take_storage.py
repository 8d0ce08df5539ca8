"""The transaction of taking: what was seen before, order within subjects, and what is handed on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from chassis.outbox import ANSWERS_TO, VALID_UNTIL, rfc3339

from courier.adapters import sql
from courier.adapters.books import Books, uuids
from courier.domain.envelope import Claims, Lane
from courier.domain.order import Line, advance
from courier.domain.receipts import Item
from courier.domain.rules import Seen
from courier.usecases.ports import Arrived, Held

Key = tuple[str, Lane, int, int]


class TakeBooks(Books):
    """What comes in."""

    def seen(self, claims: Iterable[Claims]) -> dict[Key, tuple[Seen | None, UUID | None]]:
        ask = """SELECT r.source, r.lane, r.epoch, r.number, r.id::text, r.signed, r.receipt_id::text FROM received r
                 JOIN {rows} AS k (source, lane, epoch, number) USING (source, lane, epoch, number)"""
        keys = [(item.source, item.lane.value, item.epoch, item.number) for item in claims]
        found: dict[Key, tuple[Seen | None, UUID | None]] = {}
        rows = sql.joined(self.connection, ask, ("text", "text", "bigint", "bigint"), keys)
        for source, lane, epoch, number, id, signed, receipt_id in rows:
            kept = Seen(id, signed), UUID(receipt_id) if receipt_id else None
            found[source, Lane(lane), epoch, number] = kept
        return found

    def taken_ids(self, ids: Iterable[UUID]) -> dict[UUID, str]:
        """Which of these messages were accepted before, and from whom."""
        ask = "SELECT id::text, source FROM received WHERE id = ANY(%s::uuid[]) AND verdict = 'accepted'"
        return {UUID(id): source for id, source in self.connection.exec_driver_sql(ask, (uuids(ids),))}

    def lines(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[Line[Held], int | None]]:
        wanted = list(keys)
        ask = """SELECT s.peer, s.subject, s.handed_epoch, s.handed, s.agreement FROM subject s
                 JOIN {rows} AS k (peer, subject) USING (peer, subject)"""
        found: dict[tuple[str, str], tuple[Line[Held], int | None]] = {}
        for peer, subject, epoch, handed, agreement in sql.joined(self.connection, ask, ("text", "text"), wanted):
            found[peer, subject] = Line(epoch, handed), agreement
        ask = """SELECT h.source, h.subject, h.epoch, h.subject_seq, h.jws, h.jwe, h.trace FROM held h
                 JOIN {rows} AS k (source, subject) USING (source, subject)"""
        for source, subject, epoch, seq, jws, jwe, trace in sql.joined(self.connection, ask, ("text", "text"), wanted):
            line, _ = found.setdefault((source, subject), (Line(), None))
            line.waiting[epoch, seq] = Held(jws, jwe, trace) if jws else None
        return found

    def save_lines(self, lines: Mapping[tuple[str, str], tuple[Line[Held], int | None]]) -> None:
        columns = {
            "peer": "text",
            "subject": "text",
            "handed_epoch": "bigint",
            "handed": "bigint",
            "agreement": "bigint",
        }
        rows = [(*key, line.epoch, line.handed, agreement) for key, (line, agreement) in lines.items()]
        then = """ON CONFLICT (peer, subject) DO UPDATE SET handed_epoch = excluded.handed_epoch,
                  handed = excluded.handed, agreement = coalesce(subject.agreement, excluded.agreement)"""
        sql.insert(self.connection, "subject", columns, rows, then)

    def keep_held(self, source: str, subject: str, place: tuple[int, int], held: Held, now: datetime) -> None:
        self.connection.exec_driver_sql(
            """INSERT INTO held (source, subject, epoch, subject_seq, jws, jwe, trace, at)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s)""",
            (source, subject, *place, held.jws or None, held.sealed or None, held.trace, now),
        )

    def drop_held(self, source: str, subject: str, places: Iterable[tuple[int, int]]) -> None:
        statement = """DELETE FROM held h USING {rows} AS k (source, subject, epoch, seq)
                       WHERE (h.source, h.subject, h.epoch, h.subject_seq) = (k.source, k.subject, k.epoch, k.seq)"""
        rows = [(source, subject, *place) for place in places]
        sql.joined(self.connection, statement, ("text", "text", "bigint", "bigint"), rows)

    def hand_on(self, claims: Claims, body: bytes, *, to: str, trace: str) -> None:
        extra = {}
        if claims.answers_to is not None:
            extra[ANSWERS_TO] = str(claims.answers_to)
        if claims.valid_until is not None:
            extra[VALID_UNTIL] = rfc3339(claims.valid_until)
        self.outbox.hand_on(
            body,
            to=to,
            type=claims.type,
            id=claims.id,
            subject=claims.subject,
            district=claims.source,
            time=claims.time,
            traceparent=trace,
            extra=extra,
        )

    # Bodies in chunks ---------------------------------------------------------------------------------------------------

    def pieces(self, source: str, id: UUID) -> dict[str, str]:
        ask = "SELECT digest, jwe FROM piece WHERE source = %s AND parcel = %s::uuid AND jwe IS NOT NULL"
        return {row.digest: row.jwe for row in self.connection.exec_driver_sql(ask, (source, str(id)))}

    def keep_parcel(self, item: Arrived, most: int, now: datetime) -> None:
        assert item.manifest is not None
        source, id = item.claims.source, str(item.claims.id)
        ask = "SELECT jwe FROM parcel WHERE source = %s AND id = %s::uuid"
        kept = self.connection.exec_driver_sql(ask, (source, id)).scalar()
        if kept == item.sealed:
            note = "UPDATE parcel SET jws = %s, at = %s WHERE source = %s AND id = %s::uuid"
            self.connection.exec_driver_sql(note, (item.jws, now, source, id))  # numbered anew, it is signed anew
            return
        if kept is not None:
            self.drop_parcel(source, item.claims.id)
        ask = "SELECT coalesce(sum(size), 0) FROM parcel WHERE source = %s"
        if self.connection.exec_driver_sql(ask, (source,)).scalar_one() + item.manifest.size > most:
            return
        self.connection.exec_driver_sql(
            """INSERT INTO parcel (source, id, jws, jwe, trace, size, at) VALUES (%s, %s::uuid, %s, %s, %s, %s, %s)""",
            (source, id, item.jws, item.sealed, item.trace, item.manifest.size, now),
        )
        columns = {"source": "text", "parcel": "uuid", "position": "int", "digest": "text", "size": "int"}
        rows = [(source, id, at, chunk.digest, chunk.size) for at, chunk in enumerate(item.manifest.chunks)]
        sql.insert(self.connection, "piece", columns, rows)

    def drop_parcel(self, source: str, id: UUID) -> None:
        for statement in (
            "DELETE FROM piece WHERE source = %s AND parcel = %s::uuid",
            "DELETE FROM parcel WHERE source = %s AND id = %s::uuid",
        ):
            self.connection.exec_driver_sql(statement, (source, str(id)))

    def add_received(self, source: str, items: Sequence[Item], receipt_id: UUID, now: datetime) -> None:
        columns = {
            "source": "text", "lane": "text", "epoch": "bigint", "number": "bigint", "id": "uuid", "signed": "text",
            "verdict": "text", "code": "text", "receipt_id": "uuid", "at": "timestamptz",
        }  # fmt: skip
        rows = [
            (
                source, item.lane.value, item.epoch, item.number, str(item.id), item.signed, item.verdict.value,
                item.code, str(receipt_id), now,
            )
            for item in items
        ]  # fmt: skip
        sql.insert(self.connection, "received", columns, rows)

    def receipts(self, ids: Iterable[UUID]) -> dict[UUID, str]:
        wanted = uuids(ids)
        if not wanted:
            return {}
        ask = "SELECT id::text, jws FROM receipt WHERE id = ANY(%s::uuid[])"
        return {UUID(id): jws for id, jws in self.connection.exec_driver_sql(ask, (wanted,))}

    def mark_answered(self, peer: str, ids: Iterable[UUID], now: datetime) -> None:
        sql.write(
            self.connection,
            "UPDATE sent SET answered_at = %s WHERE peer = %s AND id = ANY(%s::uuid[]) AND answered_at IS NULL",
            (now, peer, uuids(ids)),
        )

    # Completeness -------------------------------------------------------------------------------------------------------

    def note_arrivals(
        self, source: str, lane: Lane, epoch: int, numbers: Sequence[int], *, refused: int, now: datetime
    ) -> None:
        key = (source, lane.value, epoch)
        row = self.connection.exec_driver_sql(
            """INSERT INTO arrival (source, lane, epoch) VALUES (%s, %s, %s)
               ON CONFLICT (source, lane, epoch) DO UPDATE SET highest = arrival.highest
               RETURNING contiguous, highest, claimed""",
            key,
        ).one()
        arrived = sorted(numbers)
        contiguous, highest = advance(row.contiguous, arrived), max(row.highest, arrived[-1])
        if contiguous > row.contiguous and contiguous < row.highest:
            # What was missing came: count on over what had come before it.
            contiguous = self._unbroken(key, contiguous)
        gap = lane is Lane.MAIN and contiguous < max(highest, row.claimed)
        sql.write(
            self.connection,
            """UPDATE arrival SET contiguous = %s, highest = %s, accepted = accepted + %s, refused = refused + %s,
                   gap_since = CASE WHEN %s THEN coalesce(gap_since, %s) END
               WHERE source = %s AND lane = %s AND epoch = %s""",
            (contiguous, highest, len(arrived) - refused, refused, gap, now, *key),
        )

    def note_gone(self, source: str, epoch: int, numbers: Sequence[int], now: datetime) -> None:
        """Fills places that the sender can never fill: its signed word, under no message's id."""
        columns = {
            "source": "text", "lane": "text", "epoch": "bigint", "number": "bigint", "id": "uuid", "signed": "text",
            "verdict": "text", "code": "text", "at": "timestamptz",
        }  # fmt: skip
        rows = [(source, Lane.MAIN.value, epoch, n, str(UUID(int=0)), "", "gone", "courier.gone", now) for n in numbers]
        sql.insert(self.connection, "received", columns, rows, "ON CONFLICT DO NOTHING")
        self.note_arrivals(source, Lane.MAIN, epoch, numbers, refused=len(numbers), now=now)

    def _unbroken(self, key: tuple[str, str, int], contiguous: int) -> int:
        ask = """SELECT n FROM (SELECT number, row_number() OVER (ORDER BY number) + %s AS n FROM received
                     WHERE source = %s AND lane = %s AND epoch = %s AND number > %s) AS later
                 WHERE number = n ORDER BY n DESC LIMIT 1"""
        return self.connection.exec_driver_sql(ask, (contiguous, *key, contiguous)).scalar() or contiguous
