"""Forgets what is too old to come again: rows of the inbox and of idempotency, a bounded batch at a time.

An inbox row must outlive everything that may bring its message again: a courier keeps an envelope 30 days after its receipt
and may send it once more, and the outbox it is handed on by keeps it 7 days more for a broker that comes back empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from chassis.database.pool import Database

BATCH = 500

#: What another process has under way is passed over.
_FORGET = """
    DELETE FROM {table} WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM {table} WHERE {moment} < :before ORDER BY {moment} LIMIT :batch FOR UPDATE SKIP LOCKED))
"""
STATEMENTS = {
    table: sa.text(_FORGET.format(table=table, moment=moment))
    for table, moment in (("inbox", "handled_at"), ("once", "created_at"))
}


@dataclass(frozen=True)
class Retention:
    """For how many days what is kept."""

    inbox_days: int
    once_days: int

    def forget(self, database: Database, now: datetime, *, batch: int = BATCH) -> dict[str, int]:
        """Deletes at most `batch` rows of each table, each in a short transaction; returns how many, by table."""
        days = {"inbox": self.inbox_days, "once": self.once_days}
        forgotten = {}
        for table, statement in STATEMENTS.items():
            with database.transaction() as connection:
                values = {"before": now - timedelta(days=days[table]), "batch": batch}
                forgotten[table] = connection.execute(statement, values).rowcount
        return forgotten
