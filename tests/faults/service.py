"""One service process of one district: a trial starts it in any build, kills it, stands it still."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tongban_local.checkout import code
from tongban_local.installation import Installation
from tongban_local.processes import Child, Command, NotReady, wait_until
from tongban_local.programs import is_ready, service_environ

from tests.support.freeze import freeze

#: Shorter than in the field, so that a trial ends in seconds. Every rung of the ladder is the one of a second.
QUICK = {
    "TONGBAN_COURIER_CANARY_S": "5",
    "TONGBAN_COURIER_RETRY_S": "1",
    "TONGBAN_COURIER_NO_CANARY_S": "30",
    "TONGBAN_RETRY_LADDER": "1,1,1,1",
    "TONGBAN_OTLP_ENDPOINT": "",
}
READY_S = 120.0


class Service:
    """One service process of one district."""

    def __init__(self, builds: Path, place: Installation, name: str) -> None:
        self.builds, self.place, self.name = builds, place, name
        self._child: Child | None = None
        self._build: tuple[tuple[str, ...], dict[str, str]] = ((), {})
        self._frozen = False

    def launch(self, *removed: str, **environ: str) -> Service:
        """Starts it and returns at once. `removed`: protections that this build lacks (builds/removals.py)."""
        told = {**service_environ(self.place, self.name), **QUICK, **environ}
        module = (str(self.builds / "run.py"), self.name, *removed) if removed else ("-m", self.name)
        argv = (str(code().python), *module)
        self._child = Child(Command(self.name, argv, told, self.place.folder, stop_wait_s=30), self.log)
        self._build, self._frozen = (removed, environ), False
        return self

    def start(self, *removed: str, **environ: str) -> Service:
        """Starts it and returns once it is ready."""
        self.launch(*removed, **environ)
        self.wait_ready()
        return self

    def again(self) -> Service:
        """Starts the build that ran last; returns at once."""
        removed, environ = self._build
        return self.launch(*removed, **environ)

    def be(self, *removed: str, **environ: str) -> Service:
        """Runs that build from now on, as soon as `wait_ready` returns; nothing happens where it does already."""
        if self.dead or self._build != (removed, environ):
            self.stop()
            self.launch(*removed, **environ)
        self.thaw()
        return self

    def wait_ready(self) -> None:
        what = f"{self.name} of {self.place.code} ({self.log})"
        try:
            wait_until(lambda: is_ready(self.place, self.name), what, READY_S, lambda: self.dead)
        except NotReady as error:
            error.add_note(self.log.read_text(errors="replace")[-3000:])
            raise

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()

    def stop(self) -> None:
        if self._child is not None:
            self.thaw()
            self._child.stop()

    def freeze(self) -> None:
        freeze(self.pid)
        self._frozen = True

    def thaw(self) -> None:
        if self._frozen and not self.dead:
            os.kill(self.pid, signal.SIGCONT)
        self._frozen = False

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    @property
    def dead(self) -> bool:
        return self._child is None or self._child.returncode() is not None

    @property
    def log(self) -> Path:
        return self.place.log(self.name)
