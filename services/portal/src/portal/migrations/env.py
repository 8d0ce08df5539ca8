"""Run by Alembic inside the transaction that chassis.database.migrate opened."""

from chassis.database import run_migrations

from portal.adapters.tables import metadata

run_migrations(metadata)
