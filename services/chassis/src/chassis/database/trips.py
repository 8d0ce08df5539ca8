"""A psycopg2 connection that spares trips to the server: what needs no answer of its own travels with what comes next.

psycopg2 opens a transaction by a trip, sends each statement by one, and commits by one. Here BEGIN goes out in front of the
first statement, and what is executed inside `later` goes in front of the next statement, or of COMMIT, as one query string
(PostgreSQL manual, 55.2.2.1 "Multiple Statements in a Simple Query"). The order stays that in which things were executed, and
every statement still sees what was committed before it began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from psycopg2 import extensions
from sqlalchemy.engine import Connection

from chassis.database.waiting import BoundedConnection

#: Makes one statement, and its parameters, of several items.
Make = Callable[[list[Any]], tuple[str, Any]]

_IDLE = extensions.TRANSACTION_STATUS_IDLE
_BEGIN, _COMMIT, _ROLLBACK = b"BEGIN", b"COMMIT", b"ROLLBACK"


class FrugalCursor(extensions.cursor):
    """Takes along what its connection has kept back."""

    connection: FrugalConnection

    def execute(self, query: Any, vars: Any = None) -> None:
        self.connection.run(self, query, vars)

    def executemany(self, query: Any, vars_list: Any) -> None:
        for vars in vars_list:
            self.execute(query, vars)


class FrugalConnection(BoundedConnection):
    """A connection that keeps back what may wait; it is in a transaction from the first statement to `commit` or `rollback`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.autocommit = True  # psycopg2 sends no BEGIN of its own; we do
        self.cursor_factory = FrugalCursor
        self._kept: list[bytes] = []
        self._last: dict[Make, list[Any]] = {}
        self._keeping = False
        #: Whether every statement stands for itself, outside any transaction.
        self.bare = False

    def run(self, cursor: FrugalCursor, query: Any, vars: Any) -> None:
        """Executes for `cursor`, after what was kept back; or keeps it back too."""
        if not self.bare and not self._kept and self.get_transaction_status() == _IDLE:
            self._kept.append(_BEGIN)
        if self._keeping and not self.bare:
            self._kept.append(cursor.mogrify(query, vars))
        elif self._kept:
            self._send(cursor, cursor.mogrify(query, vars))
        else:
            extensions.cursor.execute(cursor, query, vars)

    def alone(self, query: str) -> None:
        """Executes outside any transaction."""
        with self.cursor(cursor_factory=extensions.cursor) as cursor:
            cursor.execute(query)

    def keeping(self, keep: bool) -> bool:
        """Whether what is executed from now on is kept back; returns how it was before."""
        before, self._keeping = self._keeping, keep
        return before

    def at_commit(self, make: Make, item: Any) -> None:
        """Executes, right before COMMIT, the one statement that `make` makes of all its items."""
        assert not self.bare, "nothing is committed while reading"
        self._last.setdefault(make, []).append(item)

    def commit(self) -> None:
        last, self._last = self._last, {}
        if not self._kept and not last and self.get_transaction_status() == _IDLE:
            return
        with self.cursor() as cursor:
            self._keeping = True
            for make, items in last.items():
                self.run(cursor, *make(items))
            self._keeping = False
            self._send(cursor, _COMMIT)

    def rollback(self) -> None:
        self._kept.clear()
        self._last.clear()
        self._keeping = False
        if self.closed or self.get_transaction_status() != _IDLE:
            self.alone(_ROLLBACK.decode())

    def _send(self, cursor: FrugalCursor, query: bytes) -> None:
        kept, self._kept = self._kept, []
        extensions.cursor.execute(cursor, b";\n".join((*kept, query)))


@contextmanager
def later(connection: Connection) -> Iterator[None]:
    """What is executed inside travels with the next statement or with the commit: for writes that nobody asks about.

    They say nothing of how many rows they touched, and what is wrong with them is raised there: by the next statement, or
    by the commit, which then has not happened.
    """
    raw = frugal(connection)
    before = raw.keeping(True)
    try:
        yield
    finally:
        raw.keeping(before)


def frugal(connection: Connection) -> FrugalConnection:
    """The connection below SQLAlchemy's."""
    raw = connection.connection.dbapi_connection
    assert isinstance(raw, FrugalConnection)
    return raw
