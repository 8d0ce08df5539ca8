"""`python relays.py OPTIONS`: one relay of a service, that stops itself (SIGSTOP) in the middle of a batch when told to.

OPTIONS is JSON: what chassis.relay.Relay takes, and `pause_file`: the first relay to find it takes it away and stops at
the point that it names, "after publish" or "after confirm". The hook is the test's; the relay is the product's.
"""

import chassis.green  # noqa: F401, I001  # eventlet patches the standard library before anything else is imported

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import eventlet
from chassis import logs
from chassis.relay import Relay

options = json.loads(sys.argv[1])
pause_file = Path(options.pop("pause_file"))


def pause_at(point: str) -> None:
    try:
        if pause_file.read_text() != point:
            return
        pause_file.unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGSTOP)


class Stoppable(Relay):
    def _send(self, rows: Any) -> Any:
        sent = super()._send(rows)
        if pause_file.exists():
            eventlet.sleep(0.05)  # what is published leaves with the next turn of the hub
        pause_at("after publish")
        return sent

    def _mark(self, cursor: Any, rows: Any, outcomes: Any) -> None:
        pause_at("after confirm")
        super()._mark(cursor, rows, outcomes)


logs.configure(options["service"], "320508")
relay = Stoppable(**options)
done = eventlet.event.Event()
signal.signal(signal.SIGTERM, lambda *_: eventlet.spawn_after(0, done.send))
relay.start()
done.wait()
relay.stop()
