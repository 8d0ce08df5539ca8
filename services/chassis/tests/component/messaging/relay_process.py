"""A relay as a process, told by its one argument (JSON) what to relay, and where to die or to dawdle for a test."""

import chassis.green  # noqa: F401, I001

import json
import os
import signal
import sys
from typing import Any

import eventlet
from chassis import logs
from chassis.relay import Relay
from chassis.telemetry import configure, exposition, flush

options = json.loads(sys.argv[1])
crash_at = options.pop("crash_at", "")
spare = iter(range(options.pop("spare", 0)))  # batches that go well before the crash


def die(point: str) -> None:
    if crash_at == point and next(spare, None) is None:
        print(f"dying at {point}", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP if point.startswith("pause") else signal.SIGKILL)


class Mortal(Relay):
    def _send(self, rows: Any) -> Any:
        die("before publish")
        sent = super()._send(rows)
        if crash_at == "after publish":
            eventlet.sleep(0.3)  # on its way, unread answer
        die("after publish")
        die("pause after publish")
        return sent

    def _mark(self, cursor: Any, rows: Any, outcomes: Any) -> None:
        die("after confirm")
        die("pause after confirm")
        super()._mark(cursor, rows, outcomes)
        die("before commit")


logs.configure(options["service"], "320508")
configure(options["service"], "320508", options.pop("otlp", ""))
relay = Mortal(**options)
done = eventlet.event.Event()
signal.signal(signal.SIGTERM, lambda *_: eventlet.spawn_after(0, done.send))
relay.start()
print("started", flush=True)
while not done.ready():
    with eventlet.Timeout(0.5, False):
        done.wait()
    print(
        "\n".join(line for line in exposition().decode().splitlines() if line.startswith("tongban_outbox")), flush=True
    )
relay.stop()
flush()
