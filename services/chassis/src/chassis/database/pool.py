"""The pool of connections to one service's database, and its transactions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from chassis.database.trips import FrugalConnection, frugal
from chassis.database.waiting import connect_args, wait_with_limits
from chassis.errors import Fault, Kind

#: The channel on which a commit that wrote outbox rows is told to the relays of the same database.
WAKE_CHANNEL = "outbox"
#: Key in `connection.info` by which the outbox asks for that notification after the commit.
WAKE = "tongban.wake"

POOL_TIMEOUT_S = 10
IDLE_IN_TRANSACTION_MS = 60_000
#: A pooled connection unused for longer is looked at before it is handed out.
CHECK_AFTER_IDLE_S = 0.2

#: Classes and codes of SQLSTATE (PostgreSQL manual, appendix A) after which the same work may succeed a moment later:
#: connection, resources, shutdown, serialization, deadlock, lock and statement time-out, transaction ended while idle.
_PASSING = ("08", "53", "57P", "40001", "40P01", "55P03", "57014", "25P03")


class Database:
    """A pool of connections to one service's database; nothing connects before the first use."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        statement_timeout_ms: int = 15_000,
        lock_timeout_ms: int = 5_000,
        application_name: str = "tongban",
    ) -> None:
        wait_with_limits()
        self.url = url
        self._engine = sa.create_engine(
            make_url(url).set(drivername="postgresql+psycopg2"),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_S,
            pool_use_lifo=True,
            use_native_hstore=False,
            connect_args=connect_args(
                application_name=application_name,
                statement_timeout_ms=statement_timeout_ms,
                lock_timeout_ms=lock_timeout_ms,
                idle_in_transaction_ms=IDLE_IN_TRANSACTION_MS,
                kind=FrugalConnection,
            ),
        )
        #: Wakes the relay of this process, where it has one that can send; False where others have to be told.
        self.nudge: Callable[[], bool] = lambda: False
        event.listen(self._engine, "checkin", _note_return)
        event.listen(self._engine, "checkout", _check_if_idle)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """An open transaction that commits when the block ends and rolls back when it raises.

        Raises Fault `database.unavailable` or `database.busy` (kind unavailable). After a lost connection nobody knows
        whether the commit happened: a caller that must not act twice brings a key (once.py) or an inbox row.
        """
        with self._session() as connection:
            connection.info.pop(WAKE, None)
            with connection.begin():
                yield connection
            if connection.info.pop(WAKE, False) and not self.nudge():
                _wake_relays(connection)

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except (DBAPIError, PoolTimeoutError) as error:
            fault = _fault_of(error)
            if fault is None:
                raise
            raise fault from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """For questions: each is answered by itself, as of the moment when it is asked, without the trips of a transaction.

        Raises what `transaction` raises.
        """
        with self._session() as connection:
            raw = frugal(connection)
            raw.bare = True
            try:
                yield connection
            finally:
                raw.bare = False

    def ping(self) -> bool:
        """Whether the database answers now; for readiness."""
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
        except Exception:  # whatever it is, it is no answer
            return False
        return True

    def close(self) -> None:
        """Closes what is not in use; later use opens anew."""
        self._engine.dispose()


def _note_return(_dbapi: Any, record: Any) -> None:
    if record is not None:
        record.info["returned"] = time.monotonic()


def _check_if_idle(dbapi: Any, record: Any, _proxy: Any) -> None:
    """A restart of the database must not fail the first request after it: what the server said as it left is in the socket.

    Nothing is asked. A server that went without a word is found by keepalive (waiting.connect_args).
    """
    if time.monotonic() - record.info.get("returned", time.monotonic()) < CHECK_AFTER_IDLE_S:
        return
    try:
        dbapi.poll()  # takes in a last word, if there is one
        dbapi.poll()  # and finds the end behind it
    except psycopg2.Error as error:
        raise DisconnectionError from error  # the pool opens another and asks again


def _wake_relays(connection: Connection) -> None:
    """Tells the relays after the commit, not inside it.

    NOTIFY takes a lock on the whole cluster until its transaction ends, so inside the business transaction it would put
    every commit of every service in one row. A notification lost here costs one fallback poll, never an event.
    """
    with suppress(psycopg2.Error):
        frugal(connection).alone(f"NOTIFY {WAKE_CHANNEL}")


def _fault_of(error: Exception) -> Fault | None:
    if isinstance(error, PoolTimeoutError):
        return Fault("database.busy", Kind.UNAVAILABLE, "Too much is going on at once; try again in a moment.")
    assert isinstance(error, DBAPIError)
    state = getattr(error.orig, "pgcode", None)
    lost = error.connection_invalidated or (state is None and isinstance(error.orig, psycopg2.OperationalError))
    if lost:
        return Fault("database.unavailable", Kind.UNAVAILABLE, "The database cannot be reached; try again in a moment.")
    if state and state.startswith(_PASSING):
        return Fault("database.busy", Kind.UNAVAILABLE, "The database is busy; try again in a moment.")
    return None
