"""Waiting for a broker. In a process of its own: pytest itself must not be patched."""

from __future__ import annotations

import subprocess
import sys

WAITING = """
import chassis.green
import eventlet
from types import SimpleNamespace
from chassis.broker import BrokerConnection
link = BrokerConnection("amqp://u:p@127.0.0.1:1/v", "a test")
link._channel = SimpleNamespace(raw=SimpleNamespace(is_open=False))  # as it is between a channel's end and the note of it
link._ready.send()
turns = []
def others():
    while True:
        turns.append(1)
        eventlet.sleep(0)
eventlet.spawn(others)
for _ in range(100):  # what waits for it asks again and again
    assert not link.wait_connected(0.01)
assert len(turns) >= 100
link._channel.raw.is_open = True
assert link.wait_connected(0.01)
"""


def test_whoever_waits_for_a_connection_leaves_others_their_turn_also_while_its_end_is_not_noted() -> None:
    """A relay asked so quickly that the note never came, and with it nothing else of the process had its turn again."""
    done = subprocess.run([sys.executable, "-c", WAITING], check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
