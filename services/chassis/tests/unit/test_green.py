"""Greenlets and what they inherit. In processes of their own: pytest itself must not be patched."""

from __future__ import annotations

import subprocess
import sys

from tongban_local.checkout import ROOT

SCRIPT = """
import chassis.green
import os, socket
from contextvars import ContextVar
from eventlet.greenio import GreenSocket
from chassis.green import spawn, spawn_apart
assert os.environ["EVENTLET_NO_GREENDNS"] == "yes"
assert issubclass(socket.socket, GreenSocket)
here = ContextVar("here", default="nothing")
here.set("a trace")
def change():
    here.set("another")
assert spawn(here.get).wait() == "a trace"
assert spawn_apart(here.get).wait() == "nothing"
spawn(change).wait()
assert here.get() == "a trace"
"""


def test_a_spawned_greenlet_inherits_the_context_and_keeps_its_changes_to_itself() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


def test_nobody_starts_a_greenlet_past_the_context() -> None:
    sources = [path for path in ROOT.glob("services/*/src/**/*.py") if path.name != "green.py"]
    raw = [str(path) for path in sources if "eventlet.spawn" in path.read_text()]
    assert sources
    assert raw == []


def test_web_processes_get_no_eventlet_from_what_they_share() -> None:
    shared = (
        "assertion clock contracts database edge errors health logs once outbox paging sealed settings telemetry wire"
    )
    script = f"import sys, {', '.join('chassis.' + name for name in shared.split())}\nassert not {{'eventlet', 'nameko'}} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
