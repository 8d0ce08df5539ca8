"""One service's own PostgreSQL: transactions, time-outs, the messaging tables every service has, and migrations.

The same class serves eventlet processes (psycopg2 waits on the hub) and threaded web processes (it waits in libpq).
Every wait ends: the server ends statements, lock waits and idle transactions; the client gives up on a server that
stays silent (a paused server still acknowledges TCP). A database that is away or busy is a Fault of kind
`unavailable`, so callers retry; everything else SQLAlchemy raises passes unchanged.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from typing import Any

import psycopg2
import sqlalchemy as sa
from psycopg2 import extensions
from sqlalchemy import event
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from chassis.errors import Fault, Kind

#: The channel on which a commit that wrote outbox rows is told to the relays of the same database.
WAKE_CHANNEL = "outbox"
#: Key in `connection.info` by which the outbox asks for that notification after the commit.
WAKE = "tongban.wake"

CONNECT_TIMEOUT_S = 10
POOL_TIMEOUT_S = 10
IDLE_IN_TRANSACTION_MS = 60_000
#: A pooled connection unused for longer is asked whether it still lives before it is handed out.
CHECK_AFTER_IDLE_S = 1.0
MIGRATION_LOCK_TIMEOUT_MS = 3_000
MIGRATION_ATTEMPTS = 10

#: SQLSTATE classes and codes (PostgreSQL manual, appendix A) after which the same work may succeed a moment later.
_PASSING = ("08", "53", "57P", "40001", "40P01", "55P03", "57014", "25P03")


class _Connection(extensions.connection):
    """A connection that knows how long its client waits for one answer; None waits for ever (migrations)."""

    wait_s: float | None = 60.0


def _wait_on_hub(connection: extensions.connection) -> None:
    """psycopg2's wait callback for eventlet: yields to the hub, and gives up on a silent server.

    When it raises (a kill of the greenlet, too) psycopg2 closes the connection: what would come next on it belongs to nobody.
    """
    from eventlet.hubs import trampoline  # web processes have no eventlet

    connecting = connection.status == extensions.STATUS_SETUP
    timeout = CONNECT_TIMEOUT_S if connecting else getattr(connection, "wait_s", _Connection.wait_s)
    silent = psycopg2.OperationalError("the database did not answer in time")
    while (state := connection.poll()) != extensions.POLL_OK:
        if state == extensions.POLL_ERROR:
            raise psycopg2.OperationalError("the connection to the database is broken")
        writing = state == extensions.POLL_WRITE
        trampoline(connection.fileno(), read=not writing, write=writing, timeout=timeout, timeout_exc=silent)


def _is_green() -> bool:
    eventlet = sys.modules.get("eventlet")
    return eventlet is not None and bool(eventlet.patcher.is_monkey_patched("socket"))


def connect_args(
    *, application_name: str, statement_timeout_ms: int, lock_timeout_ms: int, idle_in_transaction_ms: int
) -> dict[str, Any]:
    """libpq parameters that bound every wait, on the server and in the kernel."""
    limits = {
        "statement_timeout": statement_timeout_ms,
        "lock_timeout": lock_timeout_ms,
        "idle_in_transaction_session_timeout": idle_in_transaction_ms,
    }
    return {
        "application_name": application_name,
        "connect_timeout": CONNECT_TIMEOUT_S,  # threads only; green waits count in _wait_on_hub
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
        "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
        "connection_factory": _Connection,
    }


@contextmanager
def open_session(url: str, *, application_name: str, idle_in_transaction_s: float) -> Iterator[Any]:
    """A psycopg2 connection outside every pool, for work that keeps one as long as it runs (the relay)."""
    if _is_green():
        extensions.set_wait_callback(_wait_on_hub)
    parts = make_url(url)
    arguments = connect_args(
        application_name=application_name,
        statement_timeout_ms=30_000,
        lock_timeout_ms=10_000,
        idle_in_transaction_ms=int(idle_in_transaction_s * 1000),
    )
    session = psycopg2.connect(
        host=parts.host, port=parts.port, dbname=parts.database, user=parts.username, password=parts.password,
        **dict(parts.query), **arguments,
    )  # fmt: skip
    try:
        yield session
    finally:
        session.close()


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
        if _is_green():
            extensions.set_wait_callback(_wait_on_hub)
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
            ),
        )
        event.listen(self._engine, "checkin", _note_return)
        event.listen(self._engine, "checkout", _check_if_idle)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """An open transaction that commits when the block ends and rolls back when it raises.

        Raises Fault `database.unavailable` or `database.busy` (kind unavailable). After a lost connection nobody knows
        whether the commit happened: a caller that must not act twice brings a key (once.py) or an inbox row.
        """
        try:
            with self._engine.connect() as connection:
                connection.info.pop(WAKE, None)
                with connection.begin():
                    yield connection
                if connection.info.pop(WAKE, False):
                    _wake_relays(connection)
        except (DBAPIError, PoolTimeoutError) as error:
            fault = _fault_of(error)
            if fault is None:
                raise
            raise fault from error

    def ping(self) -> bool:
        """Whether the database answers now; for readiness."""
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
        except Exception:  # noqa: BLE001  any failure to answer is the answer
            return False
        return True

    def close(self) -> None:
        """Closes what is not in use; later use opens anew."""
        self._engine.dispose()


def _note_return(_dbapi: Any, record: Any) -> None:
    if record is not None:
        record.info["returned"] = time.monotonic()


def _check_if_idle(dbapi: Any, record: Any, _proxy: Any) -> None:
    """A restart of the database must not fail the first request after it."""
    if time.monotonic() - record.info.get("returned", time.monotonic()) < CHECK_AFTER_IDLE_S:
        return
    try:
        with dbapi.cursor() as cursor:
            cursor.execute("SELECT 1")
        dbapi.rollback()
    except psycopg2.Error as error:
        raise DisconnectionError from error  # the pool opens another and asks again


def _wake_relays(connection: Connection) -> None:
    """Tells the relays after the commit, not inside it.

    NOTIFY takes a lock on the whole cluster until its transaction ends, so inside the business transaction it would put
    every commit of every service in one row. A notification lost here costs one fallback poll, never an event.
    """
    raw = connection.connection.dbapi_connection
    assert raw is not None
    with suppress(psycopg2.Error):
        raw.autocommit = True
        try:
            with raw.cursor() as cursor:
                cursor.execute(f"NOTIFY {WAKE_CHANNEL}")
        finally:
            raw.autocommit = False


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


# The tables of messaging ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MessagingTables:
    """What outbox, inbox and idempotency keep; the same in every service's database."""

    outbox: sa.Table
    inbox: sa.Table
    once: sa.Table
    subject_sequence: sa.Table


def messaging_tables(metadata: sa.MetaData) -> MessagingTables:
    """The messaging tables inside a service's own `metadata`, so that drift of the whole schema can be checked."""
    text, moment = sa.Text, sa.DateTime(timezone=True)
    outbox = sa.Table(
        "outbox",
        metadata,
        sa.Column("id", pg.UUID(as_uuid=True), primary_key=True),
        sa.Column("exchange", text, nullable=False),
        sa.Column("routing_key", text, nullable=False),
        sa.Column("type", text, nullable=False),
        sa.Column("headers", pg.JSONB, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("written_at", moment, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("due_at", moment, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("failure", text),
        sa.Column("confirmed_at", moment),
    )
    sa.Index("outbox_waiting", outbox.c.due_at, postgresql_where=outbox.c.confirmed_at.is_(None))
    sa.Index("outbox_confirmed", outbox.c.confirmed_at, postgresql_where=outbox.c.confirmed_at.is_not(None))
    inbox = sa.Table(
        "inbox",
        metadata,
        sa.Column("handler", text, primary_key=True),
        sa.Column("source", text, primary_key=True),
        sa.Column("id", text, primary_key=True),
        sa.Column("handled_at", moment, nullable=False, server_default=sa.func.now()),
    )
    once = sa.Table(
        "once",
        metadata,
        sa.Column("scope", text, primary_key=True),
        sa.Column("key", text, primary_key=True),
        sa.Column("digest", text, nullable=False),
        sa.Column("answer", sa.LargeBinary),
        sa.Column("created_at", moment, nullable=False, server_default=sa.func.now()),
    )
    subject_sequence = sa.Table(
        "subject_sequence",
        metadata,
        sa.Column("target", text, primary_key=True),
        sa.Column("subject", text, primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    return MessagingTables(outbox, inbox, once, subject_sequence)


#: The first release's tables. Frozen: a released migration never changes; a later shape gets its own function.
_MESSAGING_1 = (
    """
    CREATE TABLE outbox (
        id uuid PRIMARY KEY,
        exchange text NOT NULL,
        routing_key text NOT NULL,
        type text NOT NULL,
        headers jsonb NOT NULL,
        body bytea NOT NULL,
        written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        attempts integer NOT NULL DEFAULT 0,
        failure text,
        confirmed_at timestamptz
    )
    """,
    "CREATE INDEX outbox_waiting ON outbox (due_at) WHERE confirmed_at IS NULL",
    "CREATE INDEX outbox_confirmed ON outbox (confirmed_at) WHERE confirmed_at IS NOT NULL",
    """
    CREATE TABLE inbox (
        handler text NOT NULL,
        source text NOT NULL,
        id text NOT NULL,
        handled_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (handler, source, id)
    )
    """,
    """
    CREATE TABLE once (
        scope text NOT NULL,
        key text NOT NULL,
        digest text NOT NULL,
        answer bytea,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (scope, key)
    )
    """,
    """
    CREATE TABLE subject_sequence (
        target text NOT NULL,
        subject text NOT NULL,
        last bigint NOT NULL,
        PRIMARY KEY (target, subject)
    )
    """,
)


def create_messaging_tables(op: Any) -> None:
    """For a service's first Alembic migration: `create_messaging_tables(op)` with alembic's `op`."""
    for statement in _MESSAGING_1:
        op.execute(statement)


# Migrations -----------------------------------------------------------------------------------------------------------


class MigrationError(Exception):
    """The migrations of a package do not form one line that ends at its head file."""


def migrate(package: str, url: str) -> None:
    """Brings the database at `url` to the head of `<package>.migrations`; running it twice changes nothing.

    A head file that differs from the newest revision means that two migrations were written side by side. Waits for
    locks are short and repeated, so that a migration never queues the whole service behind itself.
    """
    from alembic import command
    from alembic.config import Config

    if _is_green():
        extensions.set_wait_callback(_wait_on_hub)
    config = Config()
    config.set_main_option("script_location", f"{package}:migrations")
    check_head(package)
    engine = sa.create_engine(
        make_url(url).set(drivername="postgresql+psycopg2"),
        poolclass=sa.pool.NullPool,
        connect_args=connect_args(
            application_name=f"{package} migrate",
            statement_timeout_ms=0,
            lock_timeout_ms=MIGRATION_LOCK_TIMEOUT_MS,
            idle_in_transaction_ms=IDLE_IN_TRANSACTION_MS,
        ),
    )
    for attempt in range(1, MIGRATION_ATTEMPTS + 1):
        try:
            with engine.connect() as connection:
                raw = connection.connection.dbapi_connection
                assert raw is not None
                raw.wait_s = None  # building an index may take long
                # Two jobs at once: the second waits for the first, a lock time-out at a time, and finds nothing to do.
                connection.execute(sa.text("SELECT pg_advisory_lock(hashtext('tongban migrate'))"))
                connection.commit()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
            return
        except DBAPIError as error:
            if attempt == MIGRATION_ATTEMPTS or getattr(error.orig, "pgcode", None) != "55P03":
                raise
            time.sleep(0.5 * attempt)


def check_head(package: str) -> None:
    """Raises MigrationError unless the package's migrations have one head and `migrations/head` names it."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", f"{package}:migrations")
    heads = ScriptDirectory.from_config(config).get_heads()
    if len(heads) != 1:
        raise MigrationError(f"{package}: {len(heads)} heads ({', '.join(heads)}); merge them into one line")
    written = (resources.files(importlib.import_module(package)) / "migrations" / "head").read_text().strip()
    if written != heads[0]:
        raise MigrationError(f"{package}: migrations/head says {written!r}, the newest revision is {heads[0]!r}")


def run_migrations(metadata: sa.MetaData) -> None:
    """The whole of a service's `migrations/env.py`: runs what `migrate` asked for, each revision in its own transaction."""
    from alembic import context

    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
