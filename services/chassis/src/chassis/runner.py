"""Runs one service as one process, and its other commands; also the timers that a service may have.

    python -m catalogue [run]               serves until SIGTERM, then drains
    python -m catalogue migrate             brings the database to the head of its migrations
    python -m catalogue parking list        what its handlers gave up on, with the reasons
    python -m catalogue parking replay      gives it back to the handlers, after the cause was mended

A broker or a database that is away never ends the process: /readyz says so, and everything reconnects by itself.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import eventlet
from eventlet.event import Event
from nameko.constants import MAX_WORKERS_CONFIG_KEY
from nameko.extensions import Entrypoint, register_entrypoint
from nameko.runners import ServiceRunner

from chassis import logs, telemetry
from chassis.caller import RpcCaller
from chassis.clock import SystemClock, new_id
from chassis.database import Database, migrate
from chassis.green import spawn_apart
from chassis.health import HealthServer
from chassis.process import PROCESS, ChassisSettings, Process
from chassis.relay import Relay
from chassis.settings import SettingsError, read_settings, secret
from chassis.telemetry.metrics import TIMER_RUNS

log = logging.getLogger(__name__)

#: A command of a service's own: the process's parts and the rest of the command line → the exit code.
Command = Callable[[Process, Sequence[str]], int]

#: Seconds beyond the drain time that stopping may take before everything still running is killed.
STOP_MARGIN_S = 5.0


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
        return run(service_cls, settings)
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
    from chassis import ladder

    if chosen.action == "list":
        for row in ladder.list_parked(settings.amqp_url, settings.service_name):
            print(json.dumps(dataclasses.asdict(row), ensure_ascii=False))  # noqa: T201 -- a command's output
        return 0
    done = ladder.replay(settings.amqp_url, settings.service_name, first_rung=settings.retry_ladder[0], ids=chosen.id)
    print(json.dumps(dataclasses.asdict(done)))  # noqa: T201 -- a command's output
    return 1 if done.stranded else 0


def run(service_cls: type, settings: ChassisSettings) -> int:
    """Serves until SIGTERM or SIGINT; 0 after a clean stop, 1 when the service could not start or died of a defect."""
    telemetry.configure(settings.service_name, settings.district, settings.otlp_endpoint)
    process = _process(settings)
    running = _Running(service_cls, process)
    stop: Event = Event()
    _on_signal(stop)
    try:
        running.start()
        log.info("serving")
        return running.until(stop)
    except Exception:
        log.exception("the service cannot go on")
        return 1
    finally:
        running.stop()
        telemetry.flush(2.0)
        log.info("stopped")


class _Running:
    """The parts of a running service, started and stopped in order."""

    def __init__(self, service_cls: type, process: Process) -> None:
        settings = process.settings
        self._process = process
        self._stopping = False
        # Calls and events each have a limit of their own below this, so that neither keeps the other from running.
        self._runner = ServiceRunner({PROCESS: process, MAX_WORKERS_CONFIG_KEY: 3 * settings.max_workers})
        self._runner.add_service(service_cls)
        # nameko logs what handlers raise, with the arguments of the error; ours are logged where they arise, redacted.
        logging.getLogger("nameko").setLevel(logging.CRITICAL)
        self._relay = Relay(settings.database_url, settings.amqp_url, settings.service_name)
        self._health = HealthServer(
            settings.health_address,
            {
                "broker": self._broker_ready,
                "database": process.database.ping,
                "running": lambda: not self._stopping,
            },
        )

    def start(self) -> None:
        self._health.start()
        self._relay.start()
        self._runner.start()

    def until(self, stop: Event) -> int:
        """Blocks until `stop`, or until the container has died; the exit code."""
        spawn_apart(self._wait).link(lambda _: stop.ready() or stop.send(1))
        return int(stop.wait())

    def _wait(self) -> None:
        try:
            self._runner.wait()
        except Exception:
            log.exception("the service died of a defect")

    def stop(self) -> None:
        """Takes nothing new, lets work finish, sends what is left, closes; bounded at every step."""
        self._stopping = True
        began = time.monotonic()
        done = False
        try:
            with eventlet.Timeout(self._process.settings.drain_s + STOP_MARGIN_S, False):
                self._runner.stop()
                done = True
        except Exception:  # a service that failed half-way into its start cannot stop in good order either
            log.exception("the service did not stop in good order")
        if not done:
            log.error("what still runs is killed")
            self._runner.kill()
        self._relay.stop(STOP_MARGIN_S)
        self._process.caller.stop(STOP_MARGIN_S)
        self._process.database.close()
        self._health.stop()
        log.info("drained in %.1f s", time.monotonic() - began)

    def _broker_ready(self) -> bool:
        """The relay, the caller, and every extension that says whether it is `ready`."""
        extensions = [extension for container in self._runner.containers for extension in container.extensions]
        return (
            self._relay.connected
            and self._process.caller.ready
            and all(getattr(part, "ready", True) for part in extensions)
        )


def _on_signal(stop: Event) -> None:
    """Sends 0 to `stop` at SIGTERM or SIGINT. A handler alone would wait for the hub's next event: its pipe is one."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)

    def wait() -> None:
        while ours.recv(1)[0] not in (signal.SIGTERM, signal.SIGINT):
            pass
        if not stop.ready():
            stop.send(0)

    signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_, pipe=theirs: None)  # keeps the pipe, and the default action away
    spawn_apart(wait)


class Every(Entrypoint):  # type: ignore[misc]  # nameko has no types
    """Timed work of a service; see `every`."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self._task: Any = None

    def start(self) -> None:
        self._task = spawn_apart(self._loop)

    def stop(self) -> None:
        if self._task is not None:
            self._task.kill()

    kill = stop

    def _loop(self) -> None:
        while True:
            began = time.monotonic()
            done: Event = Event()
            self.container.spawn_worker(self, (), {}, handle_result=functools.partial(self._finish, done))
            done.wait()
            eventlet.sleep(max(0.0, began + self.seconds - time.monotonic()))

    def _finish(self, done: Event, _: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        timer = f"{self.container.service_name}.{self.method_name}"
        TIMER_RUNS.labels(timer, "error" if exc_info else "ok").inc()
        done.send()
        return result, exc_info


def every(seconds: float) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Runs a method of the service class at its start and then every so many seconds, never beside itself.

    An error is logged and counted, and the next run comes all the same.
    """

    def register(handler: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(handler)
        def tick(service: Any) -> None:
            with telemetry.span(f"run {service.name}.{handler.__name__}"):
                try:
                    handler(service)
                except (Exception, eventlet.Timeout) as error:
                    log.exception("timed work %s failed", handler.__name__)
                    raise RuntimeError(handler.__name__) from error

        register_entrypoint(tick, Every(seconds))
        return tick

    return register
