"""One service's own PostgreSQL: transactions, time-outs, the messaging tables every service has, and migrations.

    database = Database(settings.database_url)
    with database.transaction() as connection:      # commits at the end, rolls back when the block raises
        ...

What nobody asks about is written inside `with later(connection):` and travels with the next statement or the commit (trips.py).

The same code serves eventlet processes and threaded web processes; only who waits differs (waiting.py). Every wait ends:
the server ends statements, lock waits and idle transactions, the client gives up on a server that stays silent. A database
that is away or busy is a Fault of kind `unavailable`, so callers retry; whatever else SQLAlchemy raises passes unchanged.
"""

from chassis.database.messaging import (
    MessagingTables,
    add_messaging_housekeeping,
    create_messaging_tables,
    messaging_tables,
)
from chassis.database.migrations import (
    MigrationError,
    await_database,
    await_schema,
    check_head,
    migrate,
    run_migrations,
)
from chassis.database.pool import WAKE, WAKE_CHANNEL, Database
from chassis.database.retention import Retention
from chassis.database.trips import FrugalConnection, frugal, later
from chassis.database.waiting import open_session

__all__ = [
    "WAKE",
    "WAKE_CHANNEL",
    "Database",
    "FrugalConnection",
    "MessagingTables",
    "MigrationError",
    "Retention",
    "add_messaging_housekeeping",
    "await_database",
    "await_schema",
    "check_head",
    "create_messaging_tables",
    "frugal",
    "later",
    "messaging_tables",
    "migrate",
    "open_session",
    "run_migrations",
]
