"""Connections of which every wait ends, and how a process waits for PostgreSQL: on eventlet's hub, or in the thread.

Server-side limits end statements, waits for locks and idle transactions. They do not help against a server that is silent
(stopped, or cut off behind a firewall that drops): libpq would wait for ever, and under eventlet it ignores its own
connect_timeout. So psycopg2 waits through a callback of ours in both kinds of process, and that callback has a limit.
"""

from __future__ import annotations

import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2 import extensions
from sqlalchemy.engine import make_url

CONNECT_TIMEOUT_S = 10.0
#: How much longer than the longest statement the client waits for an answer.
GRACE_S = 5.0


class BoundedConnection(extensions.connection):
    """A connection whose client waits at most `wait_s` seconds for one answer; None: for ever."""

    wait_s: float | None = None


def wait_with_limits() -> None:
    """From now on psycopg2 waits through our callback. For the whole process; foreign connections keep waiting for ever."""
    extensions.set_wait_callback(_wait_on_hub if _is_green() else _wait_in_thread)


def _is_green() -> bool:
    eventlet = sys.modules.get("eventlet")
    return eventlet is not None and bool(eventlet.patcher.is_monkey_patched("socket"))


def _limit_s(connection: Any) -> float | None:
    if connection.status == extensions.STATUS_SETUP:
        return CONNECT_TIMEOUT_S
    return getattr(connection, "wait_s", None)


def _silent() -> psycopg2.OperationalError:
    return psycopg2.OperationalError("the database did not answer in time")


# When a callback raises (a killed greenlet does so too) psycopg2 closes the connection: what would come next on it belongs
# to nobody. To close it here would wait for a lock that psycopg2 holds meanwhile.


def _wait_on_hub(connection: Any) -> None:
    """Lets the other greenlets run."""
    from eventlet.hubs import trampoline  # web processes have no eventlet

    limit_s = _limit_s(connection)
    while (state := connection.poll()) != extensions.POLL_OK:
        writing = _is_writing(state)
        trampoline(connection.fileno(), read=not writing, write=writing, timeout=limit_s, timeout_exc=_silent())


def _wait_in_thread(connection: Any) -> None:
    """Lets the other threads run."""
    limit_s = _limit_s(connection)
    while (state := connection.poll()) != extensions.POLL_OK:
        waiter = select.poll()
        waiter.register(connection.fileno(), select.POLLOUT if _is_writing(state) else select.POLLIN)
        if not waiter.poll(None if limit_s is None else limit_s * 1000):
            raise _silent()


def _is_writing(state: int) -> bool:
    if state == extensions.POLL_ERROR:
        raise psycopg2.OperationalError("the connection to the database is broken")
    return state == extensions.POLL_WRITE


def connect_args(
    *,
    application_name: str,
    statement_timeout_ms: int,
    lock_timeout_ms: int,
    idle_in_transaction_ms: int,
    kind: type[BoundedConnection] = BoundedConnection,
) -> dict[str, Any]:
    """libpq parameters that bound every wait on the server and in the kernel; a statement time-out of 0 is none."""
    limits = {
        "statement_timeout": statement_timeout_ms,
        "lock_timeout": lock_timeout_ms,
        "idle_in_transaction_session_timeout": idle_in_transaction_ms,
    }
    wait_s = statement_timeout_ms / 1000 + GRACE_S if statement_timeout_ms else None
    return {
        "application_name": application_name,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
        "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
        "connection_factory": type("Connection", (kind,), {"wait_s": wait_s}),
    }


@contextmanager
def open_session(
    url: str, *, application_name: str, idle_in_transaction_s: float, kind: type[BoundedConnection] = BoundedConnection
) -> Iterator[Any]:
    """A psycopg2 connection outside every pool, for work that keeps one as long as it runs (the relay)."""
    wait_with_limits()
    parts = make_url(url)
    arguments = connect_args(
        application_name=application_name,
        statement_timeout_ms=30_000,
        lock_timeout_ms=10_000,
        idle_in_transaction_ms=int(idle_in_transaction_s * 1000),
        kind=kind,
    )
    server = {"host": parts.host, "port": parts.port, "dbname": parts.database, "user": parts.username}
    session = psycopg2.connect(**server, password=parts.password, **dict(parts.query), **arguments)
    try:
        yield session
    finally:
        session.close()
