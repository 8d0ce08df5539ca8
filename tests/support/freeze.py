"""Stopping a process in its tracks, and knowing that it has stopped."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tongban_local.processes import wait_until


def freeze(pid: int) -> None:
    """SIGSTOP, and returns once every thread of the process has stopped: a busy one runs on for a moment."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: _states(pid) <= {"T", "t", "Z"}, f"process {pid} to stand still", 10)


def _states(pid: int) -> set[str]:
    states = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            stat = (task / "stat").read_text()
        except OSError:
            continue
        states.add(stat[stat.rindex(")") + 2])
    return states
