"""`python -m tongban_database SERVICE…`: makes the roles and databases of a district; again: gives the roles these passwords.

For the set-up Job of the chart. TONGBAN_ADMIN_DATABASE_URL is the database as a superuser sees it; the passwords stand in
the folder TONGBAN_DATABASE_PASSWORDS (a mounted Secret), one file a role: `case_routing_owner`, `case_routing_app`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2

from tongban_database.roles import (
    Credentials,
    connect_statements,
    create_statement,
    creation_statements,
    login_statements,
    owner_role,
    runtime_role,
    schema_statements,
)

_LOOK_AGAIN_S = 2.0


class SetupError(Exception):
    """What is missing or wrong, as a sentence."""


def main(argv: Sequence[str], environ: dict[str, str]) -> int:
    """0 done, 1 the database did not come, 2 asked for wrongly."""
    parser = argparse.ArgumentParser(prog="python -m tongban_database", description="Makes roles and databases.")
    parser.add_argument("services", nargs="+", metavar="SERVICE")
    parser.add_argument("--wait", type=float, default=300.0, metavar="S", help="seconds the database may take to come")
    args = parser.parse_args(argv)
    try:
        url, folder = environ["TONGBAN_ADMIN_DATABASE_URL"], Path(environ["TONGBAN_DATABASE_PASSWORDS"])
        credentials = {service: _credentials(folder, service) for service in args.services}
        _wait(url, args.wait)
        made = set_up(url, credentials)
    except KeyError as error:
        print(f"{error.args[0]}: is not set", file=sys.stderr)
        return 2
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"roles of {len(credentials)} services have their passwords; databases made: {', '.join(made) or 'none'}")
    return 0


def set_up(url: str, services: dict[str, Credentials]) -> list[str]:
    """Makes what is not there and gives the roles these passwords; the names of the databases that were made.

    Nobody is let in before everything is in place: a migration waits until its role may log in, and tables made before the
    default rights are would be out of the service's reach.
    """
    _run(url, None, creation_statements(services))
    existing = {name for (name,) in _run(url, None, ["SELECT datname FROM pg_database"])}
    made = [service for service in services if service not in existing]
    for service in services:
        if service in made:
            _run(url, None, [create_statement(service, service)])
        _run(url, None, connect_statements(service, service))
        _run(url, service, schema_statements(service))
    _run(url, None, login_statements(services))
    return made


def _credentials(folder: Path, service: str) -> Credentials:
    def read(role: str) -> str:
        try:
            return (folder / role).read_text().strip()
        except OSError as error:
            raise SetupError(f"no password for the database role {role}: {error.strerror}") from None

    return Credentials(read(owner_role(service)), read(runtime_role(service)))


def _wait(url: str, timeout_s: float) -> None:
    until = time.monotonic() + timeout_s
    while True:
        try:
            _run(url, None, ["SELECT 1"])
            return
        except psycopg2.OperationalError as error:
            if time.monotonic() >= until:  # libpq's message holds host and user, never the password
                raise SetupError(f"the database let nobody in for {timeout_s:g} s: {error}") from None
        time.sleep(_LOOK_AGAIN_S)


def _run(url: str, database: str | None, statements: list[str]) -> list[Any]:
    """Runs each statement outside a transaction; the rows of the last."""
    parameters = {"dbname": database} if database else {}
    with closing(psycopg2.connect(url, connect_timeout=5, **parameters)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], dict(os.environ)))
