"""Processes that we start: each in a session of its own, marked with the environment it belongs to, ended as a whole."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tongban_local.account import popen_identity

#: In the environment of every process that belongs to an environment: its folder. `belonging_to` finds them by it.
MARK = "TONGBAN_ENVIRONMENT_FOLDER"


class NotReady(Exception):
    """Something did not come up in time; the message names the log to read."""


@dataclass(frozen=True)
class Command:
    """How to start one process, for ourselves and for supervisor alike."""

    name: str
    argv: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path = Path("/")
    stop_signal: signal.Signals = signal.SIGTERM
    stop_wait_s: int = 20


class Child:
    """A process started from a Command, and everything that it started in turn."""

    def __init__(self, command: Command, log: Path) -> None:
        self.command = command
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            self._popen = subprocess.Popen(
                command.argv,
                env=dict(command.environ),
                cwd=command.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **popen_identity(),
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def returncode(self) -> int | None:
        return self._popen.poll()

    def stop(self) -> None:
        """Asks it to end, waits for its whole session, and kills what is left after `stop_wait_s`."""
        if self._popen.poll() is None:
            self._popen.send_signal(self.command.stop_signal)
        if not self._ended_within(self.command.stop_wait_s):
            self.kill()

    def kill(self) -> None:
        """Ends its whole session at once (SIGKILL)."""
        for pid in session(self.pid):
            _signal(pid, signal.SIGKILL)
        if not self._ended_within(10):
            raise NotReady(f"{self.command.name} (pid {self.pid}) does not end")

    def _ended_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._popen.poll() is not None and not list(session(self.pid)):
                return True
            time.sleep(0.05)
        return False


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _pids() -> Iterator[int]:
    return (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())


def session(leader: int) -> Iterator[int]:
    """The living processes of the session that `leader` began."""
    for pid in _pids():
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError:
            continue
        state, _parent, _group, session_id, *_ = stat[stat.rindex(b")") + 2 :].split()
        if int(session_id) == leader and state not in (b"Z", b"X"):
            yield pid


def belonging_to(folder: Path) -> list[int]:
    """The living processes that belong to the environment in `folder`, whoever is their parent now."""
    mark = f"{MARK}={folder}".encode()
    found = []
    for pid in _pids():
        try:
            if mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") or _is_postgres_below(pid, folder):
                found.append(pid)
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]


def _is_postgres_below(pid: int, folder: Path) -> bool:
    """PostgreSQL writes its title over its environment, but stands in its data folder."""
    process = Path(f"/proc/{pid}")
    if (process / "exe").readlink().name != "postgres":
        return False
    return (process / "cwd").readlink().is_relative_to(folder)


def end_all(folder: Path, grace_s: float = 10) -> list[int]:
    """Ends what belongs to the environment in `folder`; returns what was still there after SIGKILL (an empty list)."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in belonging_to(folder):
            _signal(pid, number)
        deadline = time.monotonic() + grace_s
        while (left := belonging_to(folder)) and time.monotonic() < deadline:
            time.sleep(0.1)
        if not left:
            return []
    return belonging_to(folder)


def wait_until(
    ready: Callable[[], bool], what: str, timeout_s: float, died: Callable[[], bool] = lambda: False
) -> None:
    """Returns as soon as `ready()`. Raises NotReady, naming `what`, after `timeout_s` or once `died()`."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        if died():
            raise NotReady(f"{what} ended while starting")
        if time.monotonic() > deadline:
            raise NotReady(f"{what} was not ready within {timeout_s:g} s")
        time.sleep(0.1)


def plain_environ(home: Path, folder: Path) -> dict[str, str]:
    """The little that a process of ours inherits: nothing of the caller's secrets or settings."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(home), MARK: str(folder)}
