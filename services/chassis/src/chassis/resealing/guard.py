"""No process begins without a key that rows still need, or with another one where a key must never change."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from chassis.database import Database
from chassis.errors import Fault, Kind
from chassis.resealing.tables import NOTED, SealedTable, SealedTables, known_begins
from chassis.sealed import FieldCipher, FieldKeys, SealBroken

log = logging.getLogger(__name__)

LOOK_AGAIN_S = 1.0
#: A look through every row, where a key was taken away.
SCAN_LIMIT_MS = 600_000

Noted = list[tuple[str, str]]


class FieldKeyMissing(ValueError):
    """The setting lacks a key that rows need. The process must not begin: it could not open them."""

    code = "field_key.missing"

    def __init__(self, rows: Mapping[str, int], ids: str) -> None:
        where = ", ".join(f"{count} of {table}" for table, count in rows.items())
        super().__init__(
            f"TONGBAN_FIELD_KEY lacks the key {ids}, which rows still need ({where}): give it back behind the first one, "
            f"and take it away once `reseal` leaves none [{self.code}]"
        )


class FixedKeyChanged(ValueError):
    """A key is another one than before, although what was made with it must not change."""

    code = "field_key.fixed"

    def __init__(self, setting: str, before: str, now: str) -> None:
        super().__init__(
            f"{setting} is not the key that this district began with (id {now}, before {before}): what others know people by "
            f"would change. Give the former one back [{self.code}]"
        )


class KeyGuard:
    """Looks before anything else is done. `fixed`: kind → setting and id of keys that must stay as they are."""

    def __init__(
        self,
        database: Database,
        keys: FieldKeys,
        sealed: SealedTables,
        fixed: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self._database, self._keys, self._sealed = database, keys, sealed
        self._fixed = dict(fixed or {})

    def wait(self) -> None:
        """Ends once `check` passed; a database that is away is waited for. Raises FieldKeyMissing, FixedKeyChanged."""
        while True:
            try:
                return self.check()
            except Fault as fault:
                if fault.kind is not Kind.UNAVAILABLE:
                    raise
                log.warning("waiting for the database, to see which field keys its rows need")
                time.sleep(LOOK_AGAIN_S)

    def check(self) -> None:
        """Notes the first key, under which this process will seal. Raises FieldKeyMissing, FixedKeyChanged, Fault."""
        with self._database.transaction() as connection:
            noted: Noted = [(row.kind, row.id) for row in connection.execute(sa.select(NOTED.c.kind, NOTED.c.id))]
            self._check_fixed(connection, noted)
            sealing = [(kind, id) for kind, id in noted if kind in ("plain", "named")]
            ids = {key.id for key in self._keys.all}
            gone = [(kind, id) for kind, id in sealing if id not in ids]
            if not sealing:
                self._open_one_of_each(connection)
        if gone:
            self._forget(gone, sealing)
        first = self._keys.first
        self._note("named" if first.named else "plain", first.id)

    def _check_fixed(self, connection: sa.Connection, noted: Noted) -> None:
        for kind, (setting, id) in self._fixed.items():
            before = next((known for of, known in noted if of == kind), id)
            if before != id:
                raise FixedKeyChanged(setting, before, id)
            connection.execute(insert(NOTED).values(kind=kind, id=id).on_conflict_do_nothing())

    def _forget(self, gone: Noted, noted: Noted) -> None:
        """Keys that are no longer given are forgotten, if no row needs them. Raises FieldKeyMissing."""
        look = Database(self._database.url, pool_size=1, statement_timeout_ms=SCAN_LIMIT_MS)
        try:
            with look.transaction() as connection:
                rows = self._sealed.rows_beyond(connection, known_begins(self._keys, noted))
                if rows:
                    raise FieldKeyMissing(rows, ", ".join(sorted(id for _, id in gone)))
                connection.execute(sa.delete(NOTED).where(sa.tuple_(NOTED.c.kind, NOTED.c.id).in_(gone)))
        finally:
            look.close()

    def _open_one_of_each(self, connection: sa.Connection) -> None:
        """Where nothing was noted yet: one value of each column must open. Raises FieldKeyMissing."""
        cipher = FieldCipher(self._keys)
        for each in self._sealed.tables:
            for column in each.places:
                if not _opens(connection, each, column, cipher):
                    raise FieldKeyMissing({each.table.name: 1}, "under which they were sealed")

    def _note(self, kind: str, id: str) -> None:
        with self._database.transaction() as connection:
            connection.execute(insert(NOTED).values(kind=kind, id=id).on_conflict_do_nothing())


def _opens(connection: sa.Connection, each: SealedTable, column: str, cipher: FieldCipher) -> bool:
    value = each.table.c[column]
    query: sa.Select[Any] = sa.select(*each.key, value).where(value.is_not(None)).limit(1)
    row: sa.Row[Any] | None = connection.execute(query).first()
    if row is None:
        return True
    try:
        cipher.open(row._mapping[column], each.place(column, row))
    except SealBroken:
        return False
    return True
