"""Migrations of one service's database by Alembic: one line of revisions, short waits for locks, one job at a time; and
waiting for a database that another process makes or migrates."""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Callable
from importlib import resources

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from chassis.database.waiting import connect_args, wait_with_limits

log = logging.getLogger(__name__)

LOCK_TIMEOUT_MS = 3_000
IDLE_IN_TRANSACTION_MS = 60_000
ATTEMPTS = 10
LOOK_AGAIN_S = 2.0


class MigrationError(Exception):
    """The migrations of a package do not form one line that ends at its head file."""


def migrate(package: str, url: str) -> None:
    """Brings the database at `url` to the head of `<package>.migrations`; running it twice changes nothing.

    A head file that differs from the newest revision means that two migrations were written side by side. Waits for
    locks are short and repeated, so that a migration never queues the whole service behind itself.
    """
    from alembic import command
    from alembic.config import Config

    check_head(package)
    config = Config()
    config.set_main_option("script_location", f"{package}:migrations")
    engine = _engine(url, f"{package} migrate", statement_timeout_ms=0)  # building an index may take long
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with engine.connect() as connection:
                # Two jobs at once: the second waits for the first, a lock time-out at a time, and finds nothing to do.
                connection.execute(sa.text("SELECT pg_advisory_lock(hashtext('tongban migrate'))"))
                connection.commit()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
            return
        except DBAPIError as error:
            if attempt == ATTEMPTS or getattr(error.orig, "pgcode", None) != "55P03":
                raise
            time.sleep(0.5 * attempt)


def await_database(url: str, timeout_s: float) -> bool:
    """Whether the database at `url` lets its user in within `timeout_s`: it may still be starting, or not be made yet."""
    engine = _engine(url, "await database", statement_timeout_ms=5_000)

    def lets_in() -> bool:
        with engine.connect() as connection:
            return bool(connection.scalar(sa.text("SELECT true")))

    return _holds(lets_in, timeout_s)


def await_schema(package: str, url: str, timeout_s: float) -> bool:
    """Whether the database at `url` comes to the head of `<package>.migrations` within `timeout_s`; migrates nothing.

    A revision that this package does not know is one of a later release: that release's migrations serve this one too.
    """
    known, head = _revisions(package)
    engine = _engine(url, f"{package} await-schema", statement_timeout_ms=5_000)

    def is_there() -> bool:
        with engine.connect() as connection:
            found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return found == head or (found is not None and found not in known)

    return _holds(is_there, timeout_s)


def _holds(condition: Callable[[], bool], timeout_s: float) -> bool:
    until = time.monotonic() + timeout_s
    while True:
        try:
            if condition():
                return True
        except (OperationalError, ProgrammingError) as error:  # away, or without the database, the role or the table
            log.info("the database is not there yet: %s", type(error.orig).__name__)
        if time.monotonic() >= until:
            return False
        time.sleep(LOOK_AGAIN_S)


def _engine(url: str, name: str, *, statement_timeout_ms: int) -> sa.Engine:
    wait_with_limits()
    return sa.create_engine(
        make_url(url).set(drivername="postgresql+psycopg2"),
        poolclass=sa.pool.NullPool,
        connect_args=connect_args(
            application_name=name,
            statement_timeout_ms=statement_timeout_ms,
            lock_timeout_ms=LOCK_TIMEOUT_MS,
            idle_in_transaction_ms=IDLE_IN_TRANSACTION_MS,
        ),
    )


def _revisions(package: str) -> tuple[frozenset[str], str]:
    """Every revision that the package knows, and its head."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    check_head(package)
    config = Config()
    config.set_main_option("script_location", f"{package}:migrations")
    script = ScriptDirectory.from_config(config)
    return frozenset(found.revision for found in script.walk_revisions()), script.get_heads()[0]


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
