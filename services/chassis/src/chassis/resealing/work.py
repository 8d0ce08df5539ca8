"""Opens what is under another key than the first and seals it anew, in batches, beside the work of the service."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from chassis.database import Database
from chassis.resealing.tables import SealedTable, SealedTables
from chassis.sealed import FieldCipher, SealBroken

#: Rows that somebody holds are left for the next round; after so many rounds in which nothing could be done it is given up.
ROUNDS = 20
PAUSE_S = 0.5


@dataclass(frozen=True)
class Progress:
    """After a batch: how many rows of this table were sealed anew since the beginning, and how many do not open."""

    table: str
    resealed: int
    unreadable: int


Told = Callable[[Progress], None]


def rows_left(database: Database, cipher: FieldCipher, sealed: SealedTables) -> dict[str, int]:
    """By table, the rows with a value that is not under the first key. Raises Fault."""
    with database.transaction() as connection:
        return sealed.rows_beyond(connection, [cipher.keys.first.begins])


def reseal(
    database: Database, cipher: FieldCipher, sealed: SealedTables, told: Told = lambda _: None, pause_s: float = PAUSE_S
) -> dict[str, int]:
    """Until nothing is left, or what is left cannot be done: that, by table. Raises Fault where the database goes away.

    Every batch is a transaction of its own that locks its rows, so that nobody's change of them is overwritten.
    """
    works = [_Work(database, cipher, each, told) for each in sealed.tables]
    idle = 0
    while left := rows_left(database, cipher, sealed):
        if sum(work.round() for work in works if work.table in left):
            idle = 0
            continue
        idle += 1
        if idle == ROUNDS or sum(work.unreadable for work in works) >= sum(left.values()):
            break
        time.sleep(pause_s)
    return left


class _Work:
    """One table."""

    def __init__(self, database: Database, cipher: FieldCipher, of: SealedTable, told: Told) -> None:
        self._database, self._cipher, self._of, self._told = database, cipher, of, told
        self.table = of.table.name
        self._resealed = self.unreadable = 0

    def round(self) -> int:
        """Once through the table by its key; how many rows were sealed anew."""
        before, after = self._resealed, None
        self.unreadable = 0
        while True:
            with self._database.transaction() as connection:
                rows = connection.execute(self._next(after)).all()
                changes = [change for row in rows if (change := self._changed(row)) is not None]
                if changes:
                    connection.execute(self._update(), changes)
            if not rows:
                return self._resealed - before
            self._resealed += len(changes)
            self.unreadable += len(rows) - len(changes)
            self._told(Progress(self.table, self._resealed, self.unreadable))
            after = tuple(rows[-1]._mapping[column.name] for column in self._of.key)

    def _next(self, after: tuple[Any, ...] | None) -> sa.Select[Any]:
        of, key = self._of, self._of.key
        columns = [of.table.c[name] for name in of.places]
        query = sa.select(*key, *columns).where(of.beyond([self._cipher.keys.first.begins]))
        if after is not None:
            query = query.where(sa.tuple_(*key) > sa.tuple_(*map(sa.literal, after)))
        return query.order_by(*key).limit(of.batch).with_for_update(skip_locked=True)

    def _changed(self, row: sa.Row[Any]) -> dict[str, Any] | None:
        """Every value of the row under the first key, and the hashes with them; None where one does not open."""
        of, cipher = self._of, self._cipher
        try:
            texts = {
                column: None if (blob := row._mapping[column]) is None else cipher.open(blob, of.place(column, row))
                for column in of.places
            }
        except SealBroken:
            return None
        changed: dict[str, Any] = {
            column: None if text is None else cipher.seal(text, of.place(column, row)) for column, text in texts.items()
        }
        for column, (source, form) in of.hashes.items():
            text = texts[source]
            changed[column] = None if text is None else cipher.keyed_hash(form.format(text))
        return changed | {f"key_{column.name}": row._mapping[column.name] for column in of.key}

    def _update(self) -> sa.Update:
        of = self._of
        here = [column == sa.bindparam(f"key_{column.name}") for column in of.key]
        names = [*of.places, *of.hashes]
        return sa.update(of.table).where(*here).values({name: sa.bindparam(name) for name in names})
