"""Spans in one SQLite file: written by whoever receives, read by trace id, and forgotten by age and by size.

Losing spans loses nothing but sight, so the file is synced at checkpoints only (synchronous=NORMAL).
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tongban_spans.otlp import StoredSpan

DAY_S = 86_400
CHUNK_ROWS = 5_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resource (id INTEGER PRIMARY KEY, body BLOB NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS span (
    trace_id BLOB NOT NULL,
    span_id BLOB NOT NULL,
    received_at INTEGER NOT NULL, -- unix seconds
    resource_id INTEGER NOT NULL REFERENCES resource (id),
    body BLOB NOT NULL,
    PRIMARY KEY (trace_id, span_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS span_received_at ON span (received_at);
"""


class SpanStore:
    """One district's spans. Safe to use from several threads."""

    def __init__(
        self,
        folder: Path,
        *,
        keep_s: int = 7 * DAY_S,
        keep_bytes: int = 512 * 2**20,
        now: Callable[[], float] = time.time,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._keep_s, self._keep_bytes, self._now = keep_s, keep_bytes, now
        self._lock = threading.Lock()
        self._db = sqlite3.connect(folder / "spans.sqlite", check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # counts only before the first table is made
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)
        self._resources: dict[bytes, int] = {body: id for id, body in self._db.execute("SELECT id, body FROM resource")}

    def add(self, spans: Iterable[StoredSpan]) -> int:
        """Keeps `spans`; one that is there already (an exporter's second try) is kept once. Returns how many were new."""
        received_at = int(self._now())
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            rows = [(s.trace_id, s.span_id, received_at, self._resource_id(s.resource), s.span) for s in spans]
            before = self._db.total_changes
            self._db.executemany("INSERT OR IGNORE INTO span VALUES (?, ?, ?, ?, ?)", rows)
            return self._db.total_changes - before

    def _resource_id(self, body: bytes) -> int:
        known = self._resources.get(body)
        if known is None:
            self._db.execute("INSERT OR IGNORE INTO resource (body) VALUES (?)", (body,))
            [(known,)] = self._db.execute("SELECT id FROM resource WHERE body = ?", (body,))
            # A rolled back insert must not stay known, so only what was read back in a later transaction is kept.
            if len(self._resources) < 10_000:
                self._resources[body] = known
        return known

    def trace(self, trace_id: bytes, most: int = 20_000) -> list[StoredSpan]:
        """The spans of one trace, at most `most` of them."""
        query = """
            SELECT span.trace_id, span.span_id, resource.body, span.body
            FROM span JOIN resource ON resource.id = span.resource_id WHERE span.trace_id = ? LIMIT ?
        """
        with self._lock:
            return [StoredSpan(*row) for row in self._db.execute(query, (trace_id, most))]

    def count(self) -> int:
        """How many spans are kept."""
        with self._lock:
            [(number,)] = self._db.execute("SELECT count(*) FROM span")
        return int(number)

    def forget(self) -> int:
        """Removes what is older than `keep_s`, then the oldest until at most `keep_bytes` are used. Returns how many."""
        gone = 0
        while chunk := self._delete("received_at < ?", int(self._now()) - self._keep_s):
            gone += chunk
        while self.size() > self._keep_bytes and (chunk := self._delete("received_at <= ?", int(self._now()))):
            gone += chunk
        with self._lock:
            self._db.execute("PRAGMA incremental_vacuum").fetchall()
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return gone

    def _delete(self, condition: str, limit: int) -> int:
        oldest = f"SELECT trace_id, span_id FROM span WHERE {condition} ORDER BY received_at LIMIT {CHUNK_ROWS}"  # noqa: S608
        with self._lock:
            return self._db.execute(f"DELETE FROM span WHERE (trace_id, span_id) IN ({oldest})", (limit,)).rowcount  # noqa: S608

    def size(self) -> int:
        """Octets used by what is kept."""
        with self._lock:
            [(pages, free, page)] = self._db.execute(
                "SELECT page_count, freelist_count, page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
            )
        return int((pages - free) * page)

    def close(self) -> None:
        with self._lock:
            self._db.close()
