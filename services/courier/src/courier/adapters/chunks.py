"""Bodies in chunks: gives a peer the chunks that it asks for, and asks for those that are missing here, a few at a time.

Nothing is lost by a restart: what is here stays, what was asked for and did not come is asked for again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from courier import messages
from courier.adapters.books import Books
from courier.adapters.metrics import CHUNKS_TAKEN
from courier.adapters.office import Office
from courier.domain.envelope import Bulk, Claims
from courier.domain.errors import CourierError
from courier.usecases.ports import Told

log = logging.getLogger(__name__)

#: So many chunks are on their way from one peer at once: 4 MiB of the 64 MiB that our broker takes in.
WINDOW = 16
#: How many digests one question may name; more are not looked at.
MOST_ASKED = 64


class ChunkBooks(Books):
    """What is on its way here."""

    def keep_piece(self, source: str, digest: str, jwe: str) -> int:
        """Keeps a chunk where it is wanted; how often that is. Nobody can fill our disks with what we never asked for."""
        return self.connection.exec_driver_sql(
            "UPDATE piece SET jwe = %s WHERE source = %s AND digest = %s AND jwe IS NULL AND size = %s",
            (jwe, source, digest, len(jwe)),
        ).rowcount

    def whole(self, source: str) -> list[tuple[str, str, str]]:
        """(jws, jwe, trace) of the messages of which every chunk is here, and that nobody has answered yet."""
        rows = self.connection.exec_driver_sql(
            """SELECT jws, jwe, trace FROM parcel p WHERE source = %s
                 AND NOT EXISTS (SELECT 1 FROM piece WHERE source = p.source AND parcel = p.id AND jwe IS NULL)
                 AND NOT EXISTS (SELECT 1 FROM received r WHERE r.id = p.id AND r.verdict = 'accepted')
               ORDER BY at, id""",
            (source,),
        )
        return [tuple(row) for row in rows]

    def wanting(self) -> list[str]:
        """The peers of whom something is wanted."""
        ask = "SELECT DISTINCT source FROM piece WHERE jwe IS NULL"
        return list(self.connection.exec_driver_sql(ask).scalars())

    def wait_anew(self, now: datetime) -> None:
        """What was asked for before a stop may have come and lie in our broker: it gets its time once more."""
        self.connection.exec_driver_sql(
            "UPDATE piece SET asked_at = %s WHERE jwe IS NULL AND asked_at IS NOT NULL", (now,)
        )

    def next_wanted(self, source: str, now: datetime, again: timedelta, window: int) -> list[str]:
        """The digests to ask for now, so that `window` are under way; every body goes on by its turn."""
        under_way = self.connection.exec_driver_sql(
            "SELECT count(*) FROM piece WHERE source = %s AND jwe IS NULL AND asked_at > %s", (source, now - again)
        ).scalar_one()
        if under_way > window // 2:
            return []
        rows = self.connection.exec_driver_sql(
            """UPDATE piece SET asked_at = %s FROM (
                   SELECT parcel, position FROM piece
                   WHERE source = %s AND jwe IS NULL AND (asked_at IS NULL OR asked_at <= %s)
                   ORDER BY asked_at NULLS FIRST, position, parcel LIMIT %s FOR UPDATE SKIP LOCKED) AS next
               WHERE source = %s AND piece.parcel = next.parcel AND piece.position = next.position RETURNING digest""",
            (now, source, now - again, window - under_way, source),
        )
        return list(rows.scalars())


class Chunks:
    """The chunks' lane, both ways."""

    def __init__(
        self,
        office: Office,
        give: Callable[[str, Sequence[str]], None],
        settle: Callable[[str, list[tuple[str, str, str]]], None],
    ) -> None:
        """`give` sends chunks to a peer by digest; `settle` takes messages of a peer that are whole now."""
        self._office, self._give, self._settle = office, give, settle

    def take(self, batch: Sequence[tuple[Claims, str]]) -> None:
        """Acts on questions and chunks, each with its sealed body."""
        office = self._office
        assert office.seals is not None
        arrived: dict[str, list[tuple[str, str]]] = {}
        for claims, sealed in batch:
            if claims.type == Bulk.CHUNK:
                arrived.setdefault(claims.source, []).append((claims.body, sealed))
                continue
            try:
                wanted = messages.wanted_chunks(office.seals.unseal(sealed).message)[:MOST_ASKED]
            except CourierError as error:
                log.error("%s asks for chunks in a way that is no use: %s", claims.source, error)
                continue
            if claims.valid_until is None or office.now() <= claims.valid_until:
                self._give(claims.source, wanted)
        for source, chunks in arrived.items():
            self._keep(source, chunks)

    def _keep(self, source: str, chunks: Sequence[tuple[str, str]]) -> None:
        office = self._office
        with office.books(ChunkBooks) as books:
            kept = sum(books.keep_piece(source, digest, jwe) for digest, jwe in chunks)
            whole = books.whole(source) if kept else []
        office.crash.at("after_chunks_stored")
        CHUNKS_TAKEN.labels(source).inc(kept)
        if kept < len(chunks):
            log.warning("%s sent %d chunks that are not wanted", source, len(chunks) - kept)
        if whole:
            self._settle(source, whole)
        self.ask()

    def begin(self) -> None:
        """Goes on where an earlier process stopped."""
        with self._office.books(ChunkBooks) as books:
            books.wait_anew(self._office.now())

    def ask(self) -> None:
        """Asks every peer for the next chunks that are missing here."""
        office, now = self._office, self._office.now()
        again = timedelta(seconds=3 * office.settings.courier_retry_s)
        active = set(office.trust.active())
        wanted: dict[str, list[str]] = {}
        with office.books(ChunkBooks) as books:
            for source in books.wanting():
                if source in active and (digests := books.next_wanted(source, now, again, WINDOW)):
                    wanted[source] = digests
        for source, digests in wanted.items():
            office.tell(Told(source, Bulk.CHUNKS_WANTED, messages.chunks_wanted(digests), valid_until=now + again))
