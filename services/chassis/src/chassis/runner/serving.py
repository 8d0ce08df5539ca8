"""A service while it runs: its parts, started and stopped in order."""

from __future__ import annotations

import logging
import signal
import socket
import time

import eventlet
from eventlet.event import Event
from nameko.constants import MAX_WORKERS_CONFIG_KEY
from nameko.runners import ServiceRunner

from chassis import telemetry
from chassis.green import spawn_apart
from chassis.health import HealthServer
from chassis.process import PROCESS, Process
from chassis.relay import Relay
from chassis.runner.housekeeping import Housekeeping

log = logging.getLogger(__name__)

#: Seconds beyond the drain time that stopping may take before everything still running is killed.
STOP_MARGIN_S = 5.0


def run(service_cls: type, process: Process) -> int:
    """Serves until SIGTERM or SIGINT; 0 after a clean stop, 1 when the service could not start or died of a defect."""
    settings = process.settings
    telemetry.configure(settings.service_name, settings.district, settings.otlp_endpoint)
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
        process.database.nudge = self._relay.nudge
        self._housekeeping = Housekeeping(process)
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
        self._housekeeping.start()
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
        self._housekeeping.stop()
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
