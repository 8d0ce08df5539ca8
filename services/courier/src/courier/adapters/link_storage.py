"""The transaction of looking after links: canaries, gaps, what is due, what is old, and what operators list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from courier import messages
from courier.adapters.books import Books
from courier.domain.chain import Head
from courier.domain.envelope import Lane
from courier.domain.order import missing
from courier.usecases.ports import Due, LinkRow, Quarantined, SentView, Settled, Standing

#: How many gaps are looked at and asked for at once.
GAP_WINDOW = 5000

_LINKS = """
    SELECT l.peer, l.linked_since, l.last_echo, l.round_trip_ms, l.clock_difference_ms, l.receipted, l.refused_by_peer,
        coalesce((SELECT sum(last) FROM sequence s WHERE s.peer = l.peer), 0)::bigint,
        coalesce((SELECT sum(accepted) FROM arrival a WHERE a.source = l.peer), 0)::bigint,
        coalesce((SELECT sum(refused) FROM arrival a WHERE a.source = l.peer), 0)::bigint,
        w.waiting, w.oldest,
        (SELECT min(gap_since) FROM arrival a WHERE a.source = l.peer),
        (SELECT min(created_at) FROM sent s
            WHERE s.peer = l.peer AND s.opens <> '' AND s.answered_at IS NULL AND s.state = 'receipted'
              AND s.created_at < %s),
        (SELECT min(at) FROM early e WHERE e.target IN (l.peer, '*')),
        l.last_conflict, l.last_restore, l.last_receipt_differing, l.last_log_differing,
        (SELECT max(at) FROM quarantine q WHERE q.source = l.peer OR q.written_by = 'courier.' || l.peer),
        l.last_agreement_missing
    FROM link l, LATERAL (SELECT count(*) AS waiting, min(created_at) AS oldest FROM due d WHERE d.peer = l.peer) AS w
    ORDER BY l.peer"""


class LinkBooks(Books):
    """Everything about links that is not a message."""

    # Links ----------------------------------------------------------------------------------------------------------------

    def open_link(self, peer: str, now: datetime) -> bool:
        """Notes a link as open; True if it was not."""
        opened = self.connection.exec_driver_sql(
            """INSERT INTO link (peer, linked_since, open, openings) VALUES (%s, %s, true, 1)
               ON CONFLICT (peer) DO UPDATE SET open = true, linked_since = excluded.linked_since,
                   openings = link.openings + 1 WHERE NOT link.open RETURNING openings""",
            (peer, now),
        ).scalar()
        if opened is not None:
            self.outbox.publish(messages.link_opened(peer, now, opened), subject=f"link/{peer}", version=opened)
        return opened is not None

    def open_again(self, peer: str, now: datetime) -> bool:
        """Tells of an open link once more; False where it is not open."""
        opened = self.connection.exec_driver_sql(
            "UPDATE link SET openings = openings + 1 WHERE peer = %s AND open RETURNING openings", (peer,)
        ).scalar()
        if opened is not None:
            self.outbox.publish(messages.link_opened(peer, now, opened), subject=f"link/{peer}", version=opened)
        return opened is not None

    def close_links(self, except_for: Iterable[str]) -> None:
        """Notes every other link as not open, so that it opens again later."""
        self.connection.exec_driver_sql(
            "UPDATE link SET open = false WHERE open AND NOT peer = ANY(%s::text[])", (list(except_for),)
        )

    def link_rows(self, unanswered_before: datetime) -> list[LinkRow]:
        return [LinkRow(*row) for row in self.connection.exec_driver_sql(_LINKS, (unanswered_before,))]

    def clock_differences(self) -> dict[str, timedelta]:
        rows = self.connection.exec_driver_sql("SELECT peer, clock_difference_ms FROM link")
        return {peer: timedelta(milliseconds=value) for peer, value in rows}

    # Canaries -------------------------------------------------------------------------------------------------------------

    def committed_head(self) -> Head:
        """The log's head as others can see it now."""
        row = self.connection.exec_driver_sql("SELECT head_epoch, head_seq, head_hash FROM state").one_or_none()
        return Head(*row) if row else Head()

    def next_canary(self, peer: str) -> int:
        ask = "UPDATE link SET canary = canary + 1 WHERE peer = %s RETURNING canary"
        return self.connection.exec_driver_sql(ask, (peer,)).scalar() or 0

    def last_echo(self, peer: str) -> datetime | None:
        return self.connection.exec_driver_sql("SELECT last_echo FROM link WHERE peer = %s", (peer,)).scalar()

    def note_echo(
        self, peer: str, sequence: int, round_trip_ms: float, clock_difference_ms: float, now: datetime
    ) -> bool:
        """Notes the echo of a canary; False for one that was noted, overtaken, or never sent."""
        done = self.connection.exec_driver_sql(
            """UPDATE link SET last_echo = %s, round_trip_ms = %s, clock_difference_ms = %s, echoed = %s
               WHERE peer = %s AND echoed < %s AND %s <= canary""",
            (now, round_trip_ms, clock_difference_ms, sequence, peer, sequence, sequence),
        )
        return done.rowcount == 1

    def add_anchor(self, peer: str, head: Head, jws: str, now: datetime) -> bool:
        """Keeps a head that the peer signed; False where it signed another one for the same place before."""
        kept = self.connection.exec_driver_sql(
            """INSERT INTO anchor (peer, epoch, seq, hash, jws, at) VALUES (%s, %s, %s, %s, %s, %s)
               ON CONFLICT (peer, epoch, seq) DO UPDATE SET seq = excluded.seq RETURNING hash""",
            (peer, head.epoch, head.seq, head.hash, jws, now),
        ).scalar_one()
        return kept == head.hash

    def standing(self, peer: str, registry_version: int) -> Standing:
        epoch = self.connection.exec_driver_sql("SELECT head_epoch FROM state").scalar() or 1
        sent = self.connection.exec_driver_sql(
            "SELECT last FROM sequence WHERE peer = %s AND lane = %s", (peer, Lane.MAIN.value)
        ).scalar()
        seen = self.connection.exec_driver_sql(
            "SELECT epoch, highest FROM arrival WHERE source = %s AND lane = %s ORDER BY epoch DESC LIMIT 1",
            (peer, Lane.MAIN.value),
        ).one_or_none()
        return Standing(registry_version, epoch, sent or 0, *(seen or (0, 0)))

    def note_claimed(self, source: str, epoch: int, number: int, now: datetime) -> None:
        """The peer says that it has sent up to `number`: what has not come by now is missing."""
        if number < 1:
            return
        self.connection.exec_driver_sql(
            """INSERT INTO arrival (source, lane, epoch, claimed, gap_since) VALUES (%s, %s, %s, %s, %s)
               ON CONFLICT (source, lane, epoch) DO UPDATE SET claimed = greatest(arrival.claimed, excluded.claimed),
                   gap_since = CASE WHEN arrival.contiguous < greatest(arrival.claimed, excluded.claimed, arrival.highest)
                                    THEN coalesce(arrival.gap_since, excluded.gap_since) END""",
            (source, Lane.MAIN.value, epoch, number, now),
        )

    # Missing numbers --------------------------------------------------------------------------------------------------------

    def gaps_to_ask(self, now: datetime, patience: timedelta, again: timedelta) -> list[tuple[str, int, list[int]]]:
        """(peer, epoch, numbers) of gaps that are older than `patience` and were not asked for within `again`."""
        rows = self.connection.exec_driver_sql(
            """UPDATE arrival SET asked_at = %s WHERE lane = %s AND gap_since < %s AND (asked_at IS NULL OR asked_at < %s)
               RETURNING source, epoch, contiguous, greatest(highest, claimed)""",
            (now, Lane.MAIN.value, now - patience, now - again),
        ).all()
        found = []
        for source, epoch, contiguous, highest in rows:
            numbers = self._missing(source, epoch, contiguous, highest)
            if numbers:
                found.append((source, epoch, numbers))
        return found

    def _missing(self, source: str, epoch: int, contiguous: int, highest: int) -> list[int]:
        upto = min(highest, contiguous + GAP_WINDOW)
        there = self.connection.exec_driver_sql(
            "SELECT number FROM received WHERE source = %s AND lane = %s AND epoch = %s AND number > %s AND number <= %s",
            (source, Lane.MAIN.value, epoch, contiguous, upto),
        ).scalars()
        return missing(there, contiguous, upto)

    def kept(self, peer: str, epoch: int, numbers: Sequence[int]) -> list[tuple[int, str, str, str]]:
        """(number, jws, jwe, trace) of those that can be sent again."""
        rows = self.connection.exec_driver_sql(
            """SELECT s.number, l.jws, b.jwe, s.trace
               FROM sent s JOIN sealed b USING (id, peer) JOIN log l ON l.seq = s.log_seq
               WHERE s.peer = %s AND s.lane = %s AND s.epoch = %s AND s.number = ANY(%s::bigint[]) ORDER BY s.number""",
            (peer, Lane.MAIN.value, epoch, list(numbers)),
        )
        return [tuple(row) for row in rows]

    def chunks(self, peer: str, digests: Sequence[str]) -> dict[str, str]:
        """The sealed chunks for that peer that are kept, by digest."""
        ask = "SELECT digest, jwe FROM chunk WHERE peer = %s AND digest = ANY(%s::text[])"
        return {row.digest: row.jwe for row in self.connection.exec_driver_sql(ask, (peer, list(digests)))}

    # What is due ------------------------------------------------------------------------------------------------------------

    def due(self, peer: str, now: datetime, limit: int, except_for: Iterable[str]) -> list[Due]:
        """What goes to `peer` now, oldest first, without what is under way already."""
        rows = self.connection.exec_driver_sql(
            """SELECT d.id::text, l.jws, b.jwe, s.trace, d.attempts
               FROM (SELECT * FROM due WHERE peer = %s AND due_at <= %s AND NOT id = ANY(%s::uuid[])
                     ORDER BY due_at, log_seq LIMIT %s) d
               JOIN sent s USING (id, peer) JOIN sealed b USING (id, peer) JOIN log l ON l.seq = d.log_seq
               WHERE d.valid_until IS NULL OR d.valid_until > %s ORDER BY d.due_at, d.log_seq""",
            (peer, now, list(except_for), limit, now),
        )
        return [Due(*row) for row in rows]

    def waiting(self, peer: str, now: datetime) -> tuple[int, datetime | None]:
        """How many are not due: published, without a receipt, and not waited for long enough yet; and when the next is."""
        ask = "SELECT count(*), min(due_at) FROM due WHERE peer = %s AND due_at > %s"
        count, next_due = self.connection.exec_driver_sql(ask, (peer, now)).one()
        return count, next_due

    def mark_published(self, peer: str, due: Mapping[str, datetime]) -> None:
        """Notes confirms: due again only if no receipt comes.

        What is locked is being settled by its receipt this moment: waiting for it could only end in a deadlock.
        """
        self.connection.exec_driver_sql(
            """WITH free AS (SELECT id FROM due WHERE peer = %s AND id = ANY(%s::uuid[]) FOR UPDATE SKIP LOCKED)
               UPDATE due SET attempts = attempts + 1, due_at = new.due_at
               FROM unnest(%s::uuid[], %s::timestamptz[]) AS new (id, due_at), free
               WHERE due.peer = %s AND due.id = new.id AND due.id = free.id""",
            (peer, list(due), list(due), list(due.values()), peer),
        )

    def mark_closed(self, peer: str, ids: Sequence[str], now: datetime) -> None:
        """Only for a test build that shows what receipts are for: takes the broker's confirm for the end."""
        execute = self.connection.exec_driver_sql
        execute("DELETE FROM due WHERE peer = %s AND id = ANY(%s::uuid[])", (peer, list(ids)))
        execute(
            "UPDATE sent SET state = 'receipted', settled_at = %s WHERE peer = %s AND id = ANY(%s::uuid[])",
            (now, peer, list(ids)),
        )

    def hurry(self, peer: str, now: datetime, older_than: datetime) -> None:
        """Makes everything without a receipt due now: the link is back."""
        self.connection.exec_driver_sql(
            """UPDATE due SET due_at = %s WHERE peer = %s AND id IN (SELECT id FROM due
                   WHERE peer = %s AND due_at > %s AND created_at < %s FOR UPDATE SKIP LOCKED)""",
            (now, peer, peer, now, older_than),
        )

    # What is old ------------------------------------------------------------------------------------------------------------

    def expire_asks(self, now: datetime) -> list[Settled]:
        rows = self.connection.exec_driver_sql(
            """WITH late AS (DELETE FROM due WHERE valid_until < %s RETURNING id, peer)
               UPDATE sent SET state = 'expired', code = 'courier.expired', settled_at = %s FROM late
               WHERE sent.id = late.id AND sent.peer = late.peer
               RETURNING sent.id::text, sent.peer, service, type, subject""",
            (now, now),
        ).all()
        return [Settled(UUID(id), *rest) for id, *rest in rows]

    def prune(self, before: datetime) -> None:
        """Forgets sealed bodies settled before then, what was in quarantine, and all but one canary's anchor a day."""
        execute = self.connection.exec_driver_sql
        execute("SET LOCAL statement_timeout = '300s'")
        execute(
            "DELETE FROM sealed b USING sent s WHERE s.id = b.id AND s.peer = b.peer AND s.settled_at < %s", (before,)
        )
        execute(
            "DELETE FROM chunk c USING sent s WHERE s.id = c.id AND s.peer = c.peer AND s.settled_at < %s", (before,)
        )
        # What is whole and waits for its turn in its subject was receipted: it stays.
        gone = """DELETE FROM parcel WHERE at < %s AND NOT EXISTS (
                      SELECT 1 FROM received r WHERE r.id = parcel.id AND r.verdict = 'accepted') RETURNING source, id"""
        execute(
            f"WITH gone AS ({gone}) DELETE FROM piece USING gone WHERE piece.source = gone.source AND parcel = gone.id",  # noqa: S608
            (before,),
        )
        execute("DELETE FROM quarantine WHERE at < %s", (before,))
        execute(
            """DELETE FROM anchor a WHERE at < %s AND EXISTS (SELECT 1 FROM anchor later WHERE later.peer = a.peer
                   AND later.at > a.at AND date_trunc('day', later.at) = date_trunc('day', a.at))""",
            (before,),
        )

    # What operators list ------------------------------------------------------------------------------------------------------

    def sent_views(self, peer: str, state: str, after: tuple[Any, ...] | None, limit: int) -> list[SentView]:
        """Oldest first; "" lists every peer or every state."""
        rows = self.connection.exec_driver_sql(
            """SELECT * FROM (SELECT s.id::text, s.peer, epoch, number, subject, type,
                       CASE WHEN d.attempts > 0 THEN 'published' ELSE state END AS state,
                       s.created_at, settled_at, coalesce(d.attempts, 0) AS attempts, code
                   FROM sent s LEFT JOIN due d USING (id, peer)
                   WHERE (%s = '' OR s.peer = %s)
                     AND (%s IS NULL OR (s.created_at, s.peer, s.id) > (%s::timestamptz, %s, %s::uuid))) AS every
               WHERE (%s = '' OR state = %s) ORDER BY created_at, peer, id LIMIT %s""",
            (peer, peer, after and after[0], *(after or (None, None, None)), state, state, limit),
        )
        return [SentView(UUID(id), *rest) for id, *rest in rows]

    def quarantine_rows(self, after: tuple[Any, ...] | None, limit: int) -> list[Quarantined]:
        """Newest first."""
        rows = self.connection.exec_driver_sql(
            """SELECT id::text AS id, at, written_by, source, code, size, start FROM quarantine
               WHERE (%s IS NULL OR (at, id) < (%s::timestamptz, %s::uuid)) ORDER BY at DESC, id DESC LIMIT %s""",
            (after and after[0], *(after or (None, None)), limit),
        )
        return [
            Quarantined(UUID(row.id), row.at, row.written_by, row.source, row.code, row.size, bytes(row.start))
            for row in rows
        ]
