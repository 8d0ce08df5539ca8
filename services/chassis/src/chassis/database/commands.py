"""`migrate` and `await-schema`, the commands that every process with a database has, whatever serves it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chassis.database.migrations import await_database, await_schema, migrate
from chassis.settings import SettingsError, read_settings, secret

COMMANDS = ("migrate", "await-schema")


@dataclass(frozen=True, kw_only=True)
class _MigrationSettings:
    migration_database_url: str = secret()


@dataclass(frozen=True, kw_only=True)
class _DatabaseSettings:
    database_url: str = secret()


def register(subparsers: Any) -> None:
    """Adds both to a command line."""
    parser = subparsers.add_parser(
        "migrate", help="bring the database to the newest migration (TONGBAN_MIGRATION_DATABASE_URL)"
    )
    parser.add_argument("--wait", type=float, default=0.0, metavar="S", help="seconds the database may take to come")
    parser = subparsers.add_parser("await-schema", help="end once the database is at the newest migration, or with 1")
    parser.add_argument("--timeout", type=float, default=600.0, metavar="S", help="seconds it may take (600)")


def run(package: str, chosen: argparse.Namespace) -> int:
    """The exit code. Raises SettingsError."""
    return _migrate(package, chosen.wait) if chosen.command == "migrate" else _await_schema(package, chosen.timeout)


def main(package: str, argv: Sequence[str]) -> int:
    """The command line of a process that has these two and no other; 2 for wrong settings."""
    parser = argparse.ArgumentParser(prog=f"python -m {package}")
    register(parser.add_subparsers(dest="command", required=True))
    try:
        return run(package, parser.parse_args(argv))
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 -- a command's output
        return 2


def _migrate(package: str, wait_s: float) -> int:
    url = _migration_url()
    if wait_s and not await_database(url, wait_s):
        print(f"the database of {package} let nobody in for {wait_s:g} s", file=sys.stderr)  # noqa: T201
        return 1
    migrate(package, url)
    return 0


def _await_schema(package: str, timeout_s: float) -> int:
    url = read_settings(_DatabaseSettings, os.environ).database_url
    if not await_schema(package, url, timeout_s):
        print(f"the database of {package} is not at its newest migration after {timeout_s:g} s", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _migration_url() -> str:
    """The owner's URL where there is one; the service's own role may change rows only."""
    with suppress(SettingsError):
        return read_settings(_MigrationSettings, os.environ).migration_database_url
    if url := os.environ.get("TONGBAN_DATABASE_URL"):
        return url
    raise SettingsError("TONGBAN_MIGRATION_DATABASE_URL: is not set")
