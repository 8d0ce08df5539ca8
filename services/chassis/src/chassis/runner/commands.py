"""The command line of a service."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence

from chassis import logs, parking, resealing
from chassis.caller import RpcCaller
from chassis.clock import SystemClock, new_id
from chassis.database import Database
from chassis.database import commands as database
from chassis.errors import Fault
from chassis.process import ChassisSettings, Process
from chassis.resealing import FieldKeyMissing, FixedKeyChanged, KeyGuard, SealedTables
from chassis.runner.serving import run
from chassis.settings import SettingsError, read_settings

#: A command of a service's own: the process's parts and the rest of the command line → the exit code.
Command = Callable[[Process, Sequence[str]], int]


def main(
    service_cls: type,
    settings_cls: type[ChassisSettings],
    argv: Sequence[str],
    commands: Mapping[str, Command] | None = None,
    sealed: SealedTables | None = None,
) -> int:
    """Runs the command in `argv` and returns its exit code; 2 for wrong settings, each of them named on standard error.

    `sealed`: where the service keeps sealed values, if it does; it then has the command `reseal`, and does not begin without a
    key that they need.
    """
    chosen, rest = _parser(service_cls, commands or {}).parse_known_args(argv)
    if rest and chosen.command not in {*(commands or {}), "reseal"}:
        print(f"does not understand {' '.join(rest)}", file=sys.stderr)  # noqa: T201 -- a command's output
        return 2
    try:
        if chosen.command in (*database.COMMANDS, "reseal"):
            return _of_database(service_cls.__module__.partition(".")[0], sealed, chosen, rest)
        settings = read_settings(settings_cls, os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 -- a command's output
        return 2
    # What `parking` prints is read by programs.
    logs.configure(settings.service_name, settings.district, stream=sys.stderr if chosen.command == "parking" else None)
    if chosen.command == "parking":
        return _parking(settings, chosen)
    process = _process(settings)
    if chosen.command == "run":
        return _serve(service_cls, process, sealed)
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
    database.register(subparsers)
    parked = subparsers.add_parser("parking", help="messages that the handlers gave up on")
    actions = parked.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="what is parked and why")
    again = actions.add_parser("replay", help="give it back to the handlers, after the cause was mended")
    again.add_argument("--id", action="append", default=[], help="only this message (may be repeated)")
    drop = actions.add_parser("drop", help="take away for good what can never be handled")
    drop.add_argument("id", metavar="ID", help="as `parking list` shows it; '' for a message without one")
    drop.add_argument("--reason", required=True, help="why; kept in the table parking_drops, so name nobody")
    drop.add_argument("--queue", default="", help="origin_queue, where several handlers gave up on the same event")
    for name in ("reseal", *commands):
        subparsers.add_parser(name, add_help=False)
    return parser


def _of_database(package: str, sealed: SealedTables | None, chosen: argparse.Namespace, rest: Sequence[str]) -> int:
    """What needs the database alone."""
    if chosen.command == "reseal":
        return resealing.main(package, sealed or SealedTables(()), rest)
    return database.run(package, chosen)


def _serve(service_cls: type, process: Process, sealed: SealedTables | None) -> int:
    """Once it has every key that its rows need; else 2, and why on standard error."""
    settings = process.settings
    try:
        if sealed is not None:
            KeyGuard(process.database, settings.field_key, sealed, settings.fixed_keys()).wait()
    except (FieldKeyMissing, FixedKeyChanged) as error:
        print(error, file=sys.stderr)  # noqa: T201 -- what the person who starts it must read
        return 2
    return run(service_cls, process)


def _process(settings: ChassisSettings) -> Process:
    pool = Database(settings.database_url, application_name=settings.service_name)
    caller = RpcCaller(settings.amqp_url, settings.service_name)
    return Process(settings, SystemClock(), new_id, pool, caller)


def _parking(settings: ChassisSettings, chosen: argparse.Namespace) -> int:
    return {"list": _list_parked, "replay": _replay, "drop": _drop}[chosen.action](settings, chosen)


def _list_parked(settings: ChassisSettings, _chosen: argparse.Namespace) -> int:
    rows = list(parking.list_parked(settings.amqp_url, settings.service_name))
    for row in rows:
        print(json.dumps(dataclasses.asdict(row), ensure_ascii=False))  # noqa: T201 -- a command's output
    if not rows:
        print(f"nothing of {settings.service_name} is parked", file=sys.stderr)  # noqa: T201
    return 0


def _replay(settings: ChassisSettings, chosen: argparse.Namespace) -> int:
    done = parking.replay(settings.amqp_url, settings.service_name, first_rung=settings.retry_ladder[0], ids=chosen.id)
    print(json.dumps(dataclasses.asdict(done)))  # noqa: T201 -- a command's output
    if chosen.id and not done.moved:
        print("no parked message has this id; `parking list` shows them", file=sys.stderr)  # noqa: T201
        return 1
    return 1 if done.stranded else 0


def _drop(settings: ChassisSettings, chosen: argparse.Namespace) -> int:
    pool = Database(settings.database_url, application_name=f"{settings.service_name} parking")
    try:
        dropped = parking.drop(
            settings.amqp_url,
            settings.service_name,
            id=chosen.id,
            queue=chosen.queue,
            reason=chosen.reason,
            write_down=parking.book_of_drops(pool, SystemClock(), new_id),
        )
    except Fault as fault:
        print(f"{fault.message} [{fault.code}]", file=sys.stderr)  # noqa: T201 -- a command's output
        return 1
    finally:
        pool.close()
    print(json.dumps({"dropped": dropped}))  # noqa: T201 -- a command's output
    return 0
