"""The one supervisord of an environment: it restarts what dies, and is asked over a unix socket.

A district is a group named by its code; a process is `<code>:<name>`. See supervisor's manual, "Configuration File".
"""

from __future__ import annotations

import hashlib
import os
import shlex
import signal
import subprocess
import time
import xmlrpc.client
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import Faults, SupervisorTransport

from tongban_local.account import keep_file, own_folder, popen_identity
from tongban_local.checkout import code
from tongban_local.processes import Command, end_all, plain_environ, wait_until

#: Longest path of a unix socket that supervisor can bind, with the suffix it adds while binding.
_SOCKET_PATH_LIMIT = 90
_HARMLESS = (Faults.ALREADY_STARTED, Faults.NOT_RUNNING, Faults.ALREADY_ADDED, Faults.BAD_NAME)


@dataclass(frozen=True)
class Program:
    """A Command under supervision. `at_once`: started with supervisord itself, not when it is asked for."""

    command: Command
    log: Path
    priority: int
    at_once: bool = False


class Supervisor:
    """The supervisord of the environment in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = folder.parent
        self._config = folder / "supervisord.conf"
        socket = folder / "socket"
        if len(str(socket)) > _SOCKET_PATH_LIMIT:
            name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
            socket = Path("/tmp") / f"tongban-{name}.socket"  # noqa: S108  closed to others by its mode
        self._socket = socket
        self._popen: subprocess.Popen[bytes] | None = None

    def write(self, groups: Mapping[str, Sequence[Program]]) -> bool:
        """Writes the configuration: one group a district. True when it is another than before."""
        own_folder(self.folder)
        sections = [
            f"[unix_http_server]\nfile={self._socket}\nchmod=0700\n",
            "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n",
            f"[supervisord]\nlogfile={self.folder}/supervisord.log\npidfile={self.folder}/pid\nchildlogdir={self.folder}\n"
            "nodaemon=true\nsilent=true\nminfds=4096\n",
        ]
        for group, programs in groups.items():
            names = ",".join(f"{group}-{program.command.name}" for program in programs)
            sections.append(f"[group:{group}]\nprograms={names}\n")
            sections += [_section(group, program) for program in programs]
        return keep_file(self._config, "\n".join(sections))

    def alive(self) -> bool:
        """Whether supervisord answers."""
        try:
            with self._ask() as ask:
                ask.getState()
        except (OSError, xmlrpc.client.Error):
            return False
        return True

    def start(self) -> None:
        """Starts supervisord itself, in a session of its own that outlives us."""
        argv = [str(code().python), "-m", "supervisor.supervisord", "-n", "-c", str(self._config)]
        with (self.folder / "out.log").open("ab") as out:
            self._popen = subprocess.Popen(
                argv,
                env={**plain_environ(self.folder, self._environment), **code().environ()},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                **popen_identity(),
            )
        wait_until(self.alive, f"supervisord ({self.folder}/supervisord.log)", 20)

    def reread(self) -> None:
        """Takes over a written configuration: groups that are new are added, those that changed are started anew."""
        with self._ask() as ask:
            [[added, changed, removed]] = ask.reloadConfig()
            for group in (*changed, *removed):
                ask.stopProcessGroup(group)
                ask.removeProcessGroup(group)
            for group in (*added, *changed):
                ask.addProcessGroup(group)

    def start_processes(self, group: str, names: Sequence[str] | None = None, *, wait: bool = False) -> None:
        """Starts the named processes of a district, or all of them; `wait`: until each has stayed up for a second."""
        with self._ask() as ask:
            for name in names if names is not None else self._names(ask, group):
                _quietly(ask.startProcess, f"{group}:{name}", wait)

    def stop_processes(self, group: str, names: Sequence[str] | None = None) -> None:
        """Stops the named processes of a district, or all of them, and waits until they have ended."""
        with self._ask() as ask:
            wanted = set(names if names is not None else self._names(ask, group))
            _stop_in_order(ask, lambda info: info["group"] == group and info["name"] in wanted)

    def signal(self, group: str, name: str, number: signal.Signals) -> int:
        """Sends a signal to the process itself and returns the pid that got it."""
        pid = int(self.process(group, name)["pid"])
        if pid == 0:
            raise ProcessLookupError(f"{group}:{name} does not run")
        os.kill(pid, number)
        return pid

    def process(self, group: str, name: str) -> dict[str, Any]:
        """What supervisord knows of one process: statename, pid, start, …"""
        with self._ask() as ask:
            return dict(ask.getProcessInfo(f"{group}:{name}"))

    def processes(self) -> list[dict[str, Any]]:
        """What supervisord knows of all of them; empty when it does not run."""
        try:
            with self._ask() as ask:
                return [dict(info) for info in ask.getAllProcessInfo()]
        except OSError:
            return []

    def shutdown(self) -> None:
        """Ends everything in order, then supervisord, then whatever might have escaped it."""
        with suppress(OSError, xmlrpc.client.Error), self._ask() as ask:
            _stop_in_order(ask, lambda _info: True)
            ask.shutdown()
        deadline = time.monotonic() + 10
        while self.alive() and time.monotonic() < deadline:
            time.sleep(0.1)
        if self._popen is not None:
            self._popen.wait(20)
        end_all(self._environment)
        self._socket.unlink(missing_ok=True)

    def _names(self, ask: Any, group: str) -> list[str]:
        return [info["name"] for info in ask.getAllProcessInfo() if info["group"] == group]

    @contextmanager
    def _ask(self) -> Iterator[Any]:
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        try:
            yield xmlrpc.client.ServerProxy("http://localhost", transport).supervisor
        finally:
            transport.close()


#: What ends last, in this order: services finish their work while the engines still answer, and a node needs its epmd.
_LAST = (("broker", "database"), ("epmd",))


def _stop_in_order(ask: Any, wanted: Callable[[dict[str, Any]], bool], timeout_s: float = 60) -> None:
    for phase in (None, *_LAST):
        late = {name for names in _LAST for name in names}
        infos = [
            info
            for info in ask.getAllProcessInfo()
            if wanted(info) and (info["name"] not in late if phase is None else info["name"] in phase)
        ]
        for info in infos:
            _quietly(ask.stopProcess, f"{info['group']}:{info['name']}", False)
        ids, deadline = {(info["group"], info["name"]) for info in infos}, time.monotonic() + timeout_s
        while any(i["pid"] for i in ask.getAllProcessInfo() if (i["group"], i["name"]) in ids):
            if time.monotonic() > deadline:
                return
            time.sleep(0.1)


def _quietly(call: Any, *args: Any) -> None:
    try:
        call(*args)
    except xmlrpc.client.Fault as fault:
        if fault.faultCode not in _HARMLESS:
            raise


def _section(group: str, program: Program) -> str:
    command = program.command
    values = {
        "command": " ".join(_quoted(part) for part in command.argv),
        "process_name": command.name,
        "directory": command.folder,
        "environment": ",".join(f'{key}="{_escaped(value)}"' for key, value in command.environ.items()),
        "priority": program.priority,
        "autostart": str(program.at_once).lower(),
        "autorestart": "true",
        "startsecs": 1,
        "startretries": 1000,
        "stopsignal": command.stop_signal.name.removeprefix("SIG"),
        "stopwaitsecs": command.stop_wait_s,
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": program.log,
        "stdout_logfile_maxbytes": "20MB",
        "stdout_logfile_backups": 1,
    }
    return f"[program:{group}-{command.name}]\n" + "".join(f"{key}={value}\n" for key, value in values.items())


def _quoted(part: str) -> str:
    """For supervisor's shlex, its %-expansion and its comments, which begin with a semicolon after a space."""
    if "\n" in part or " ;" in part or " #" in part:
        raise ValueError(f"supervisor would not read this as it is meant: {part!r}")
    return shlex.quote(part).replace("%", "%%")


def _escaped(value: str) -> str:
    if '"' in value or "\n" in value:
        raise ValueError("a value with quotes or line ends cannot be given to supervisor")
    return value.replace("%", "%%")
