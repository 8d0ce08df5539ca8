"""Migrations of one service's database by Alembic: one line of revisions, short waits for locks, one job at a time."""

from __future__ import annotations

import importlib
import time
from importlib import resources

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from chassis.database.waiting import connect_args, wait_with_limits

LOCK_TIMEOUT_MS = 3_000
IDLE_IN_TRANSACTION_MS = 60_000
ATTEMPTS = 10


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
    wait_with_limits()
    config = Config()
    config.set_main_option("script_location", f"{package}:migrations")
    engine = sa.create_engine(
        make_url(url).set(drivername="postgresql+psycopg2"),
        poolclass=sa.pool.NullPool,
        connect_args=connect_args(
            application_name=f"{package} migrate",
            statement_timeout_ms=0,  # building an index may take long
            lock_timeout_ms=LOCK_TIMEOUT_MS,
            idle_in_transaction_ms=IDLE_IN_TRANSACTION_MS,
        ),
    )
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
