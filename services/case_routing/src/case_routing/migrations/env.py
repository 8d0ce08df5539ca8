"""Run by Alembic inside the transaction that chassis.database.migrate opened."""

from case_routing.adapters.tables import metadata
from chassis.database import run_migrations

run_migrations(metadata)
