"""The command line of a service."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from chassis import ladder, logs
from chassis.caller import RpcCaller
from chassis.clock import SystemClock, new_id
from chassis.database import Database, migrate
from chassis.process import ChassisSettings, Process
from chassis.runner.serving import run
from chassis.settings import SettingsError, read_settings, secret

#: A command of a service's own: the process's parts and the rest of the command line → the exit code.
Command = Callable[[Process, Sequence[str]], int]


@dataclass(frozen=True, kw_only=True)
class _MigrationSettings:
    migration_database_url: str = secret()


def main(
    service_cls: type,
    settings_cls: type[ChassisSettings],
    argv: Sequence[str],
    commands: Mapping[str, Command] | None = None,
) -> int:
    """Runs the command in `argv` and returns its exit code; 2 for wrong settings, each of them named on standard error."""
    chosen, rest = _parser(service_cls, commands or {}).parse_known_args(argv)
    if rest and chosen.command not in (commands or {}):
        print(f"does not understand {' '.join(rest)}", file=sys.stderr)  # noqa: T201 -- a command's output
        return 2
    try:
        if chosen.command == "migrate":
            migrate(service_cls.__module__.partition(".")[0], _migration_url())
            return 0
        settings = read_settings(settings_cls, os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 -- a command's output
        return 2
    logs.configure(settings.service_name, settings.district)
    if chosen.command == "run":
        return run(service_cls, _process(settings))
    if chosen.command == "parking":
        return _parking(settings, chosen)
    process = _process(settings)
    try:
        return (commands or {})[chosen.command](process, rest)
    finally:
        process.caller.stop(1.0)
        process.database.close()


def _parser(service_cls: type, commands: Mapping[str, Command]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {service_cls.__module__.partition('.')[0]}", add_help=True)
    subparsers = parser.add_subparsers(dest="command")
    parser.set_defaults(command="run")
    subparsers.add_parser("run", help="serve until SIGTERM (the default)")
    subparsers.add_parser("migrate", help="bring the database to the newest migration (TONGBAN_MIGRATION_DATABASE_URL)")
    parking = subparsers.add_parser("parking", help="messages that the handlers gave up on")
    parking.add_argument("action", choices=("list", "replay"))
    parking.add_argument("--id", action="append", default=[], help="only this message (may be repeated)")
    for name in commands:
        subparsers.add_parser(name, add_help=False)
    return parser


def _migration_url() -> str:
    """The owner's URL where there is one; the service's own role may change rows only."""
    with suppress(SettingsError):
        return read_settings(_MigrationSettings, os.environ).migration_database_url
    if url := os.environ.get("TONGBAN_DATABASE_URL"):
        return url
    raise SettingsError("TONGBAN_MIGRATION_DATABASE_URL: is not set")


def _process(settings: ChassisSettings) -> Process:
    database = Database(settings.database_url, application_name=settings.service_name)
    caller = RpcCaller(settings.amqp_url, settings.service_name)
    return Process(settings, SystemClock(), new_id, database, caller)


def _parking(settings: ChassisSettings, chosen: argparse.Namespace) -> int:
    if chosen.action == "list":
        rows = list(ladder.list_parked(settings.amqp_url, settings.service_name))
        for row in rows:
            print(json.dumps(dataclasses.asdict(row), ensure_ascii=False))  # noqa: T201 -- a command's output
        if not rows:
            print(f"nothing of {settings.service_name} is parked", file=sys.stderr)  # noqa: T201
        return 0
    done = ladder.replay(settings.amqp_url, settings.service_name, first_rung=settings.retry_ladder[0], ids=chosen.id)
    print(json.dumps(dataclasses.asdict(done)))  # noqa: T201 -- a command's output
    if chosen.id and not done.moved:
        print("no parked message has this id; `parking list` shows them", file=sys.stderr)  # noqa: T201
        return 1
    return 1 if done.stranded else 0
