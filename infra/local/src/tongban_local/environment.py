"""An environment: some districts on this machine, each with real engines and every service, below one folder.

    environment = Environment(folder)
    environment.up(["320508", "310101"])        again: nothing changes
    environment.stop_district("310101"); environment.start_district("310101")
    environment.kill("320508", "case_routing"); environment["320508"].gateway
    environment.down()                          every process of it has ended

Several may run beside each other: ports are chosen free and kept; tests shift the addresses with `offset`.
"""

from __future__ import annotations

import fcntl
import functools
import json
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tongban_local.account import keep_file, own_folder
from tongban_local.checkout import linked
from tongban_local.districts import DEFAULT, chosen
from tongban_local.installation import Installation, introduce_portals
from tongban_local.prepare import import_samples, prepare_databases
from tongban_local.processes import NotReady, belonging_to, end_all, wait_until
from tongban_local.programs import ENGINES, SERVICES, SINKS, is_ready, programs, write_environ
from tongban_local.supervise import Supervisor
from tongban_local.trust import Trust
from tongban_local.trust_install import install_trust

_SERVICES_READY_S = 180

Report = Callable[[str], None]


def _silent(_: str) -> None:
    pass


def default_folder() -> Path:
    """Where `make up` keeps its environment."""
    return linked("local")


class Environment:
    """The environment in `folder`; making the object starts nothing and reads what is there."""

    def __init__(self, folder: Path | None = None, *, offset: int = 0, admin: bool = False) -> None:
        """`offset` shifts the addresses to 127.20.<n + offset>.1; `admin`: a broker account for tests that do harm."""
        self.folder = own_folder((folder or default_folder()).resolve())
        self._state_file = self.folder / "state.json"
        state = json.loads(self._state_file.read_text()) if self._state_file.exists() else {}
        self._offset, self._admin = state.get("offset", offset), state.get("admin", admin)
        self.supervisor = Supervisor(self.folder / "supervisor")
        self.trust = Trust(self.folder)
        self._places = {facts.code: self._install(facts) for facts in chosen(state.get("districts", []))}

    def _install(self, facts: Any) -> Installation:
        return Installation(self.folder, facts, f"127.20.{facts.n + self._offset}.1", admin=self._admin)

    def __getitem__(self, code: str) -> Installation:
        """One district of it. Raises KeyError when it was never brought up."""
        return self._places[code]

    @property
    def places(self) -> list[Installation]:
        """Every district of it."""
        return list(self._places.values())

    # Up and down ------------------------------------------------------------------------------------------------------

    def up(
        self,
        codes: Iterable[str] = DEFAULT,
        *,
        services: Sequence[str] = SERVICES,
        samples: bool = True,
        report: Report = _silent,
    ) -> None:
        """Brings the districts up and returns once every process is ready. Raises NotReady, UnknownDistrict."""
        facts = chosen(codes)
        with self._lock():
            running = self.supervisor.alive()
            if not running:
                end_all(self.folder)  # what an earlier run left when its supervisord was killed
                for place in self.places:
                    place.district.renew_ports()
            for one in facts:
                if one.code not in self._places:
                    self._places[one.code] = self._install(one)
            changed = self._write(report)
            if not running:
                self.supervisor.start()
            elif changed:
                self.supervisor.reread()
            for place in self.places:
                told_anew = [name for name in SERVICES if write_environ(place, name)]
                self.supervisor.stop_processes(place.code, told_anew)
            wanted = [self._places[one.code] for one in facts]
            for place in wanted:
                self.supervisor.start_processes(place.code, [*ENGINES, *SINKS])
            with ThreadPoolExecutor(len(wanted)) as pool:
                list(pool.map(lambda place: self._bring_up(place, services, samples, report), wanted))
            # Those that ran before get to know the new ones.
            for place in self.places:
                if place not in wanted and is_ready(place, "database"):
                    install_trust(place, self.trust)

    def _write(self, report: Report) -> bool:
        """Writes what everything starts from: engines, trust, supervision, the state file. True when it changed."""
        running = {info["group"] for info in self.supervisor.processes() if info["pid"]}
        cold = [place for place in self.places if place.code not in running]
        if cold:
            report("certificates, keys, database clusters")
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda place: place.district.write_engines(), cold))
        self.trust.sign(self.places)
        introduce_portals(self.places)
        state = {"districts": [place.code for place in self.places], "offset": self._offset, "admin": self._admin}
        keep_file(self._state_file, json.dumps(state, indent=1))
        return self.supervisor.write({place.code: programs(place) for place in self.places})

    def _bring_up(self, place: Installation, services: Sequence[str], samples: bool, report: Report) -> None:
        label = f"{place.code} {place.facts.name_zh} {place.facts.name_en}"
        prepare_databases(place)
        report(f"{label}: database ready, tables at their newest")
        install_trust(place, self.trust)
        if samples:
            report(f"{label}: {import_samples(place)}")
        place.district.wait_engines()
        report(f"{label}: broker ready")
        self.supervisor.start_processes(place.code, services)
        self._wait_ready(place, (*ENGINES, *SINKS, *services))
        report(f"{label}: every process ready, {place.portal}")

    def _wait_ready(self, place: Installation, names: Iterable[str]) -> None:
        for name in names:
            log = place.log(name)
            try:
                ready = functools.partial(is_ready, place, name)
                wait_until(ready, f"{place.code}:{name} (log: {log})", _SERVICES_READY_S)
            except NotReady as error:
                tail = log.read_text(errors="replace").splitlines()[-12:] if log.exists() else []
                raise NotReady("\n".join([str(error), *tail])) from None

    def down(self, *, forget: bool = False) -> None:
        """Ends every process of it. `forget`: and removes all its data. Raises NotReady if something lives on."""
        with self._lock():
            self.supervisor.shutdown()
            if left := belonging_to(self.folder):
                raise NotReady(f"still running: {', '.join(map(str, left))}")
        if forget:
            shutil.rmtree(self.folder)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One up or down at a time."""
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    # Doing things to a running one ------------------------------------------------------------------------------------

    def stop_district(self, code: str) -> None:
        """Ends every process of one district, engines included; its data stays."""
        self.supervisor.stop_processes(code)

    def start_district(self, code: str, services: Sequence[str] = SERVICES) -> None:
        """Starts it again and waits until it is ready."""
        place = self[code]
        self.supervisor.start_processes(code, [*ENGINES, *SINKS])
        place.district.wait_engines()
        self.supervisor.start_processes(code, services)
        self._wait_ready(place, (*ENGINES, *SINKS, *services))

    def restart_with(self, code: str, name: str, **environ: str) -> None:
        """Restarts one service process with more in its environment, until it is restarted again or `up` is called."""
        write_environ(self[code], name, environ)
        self.stop_process(code, name)
        self.start_process(code, name)

    def stop_process(self, code: str, name: str) -> None:
        """Stops one process in good order; it stays stopped."""
        self.supervisor.stop_processes(code, [name])

    def start_process(self, code: str, name: str) -> None:
        """Starts it again and waits until it is ready."""
        self.supervisor.start_processes(code, [name])
        self.wait_process(code, name)

    def wait_process(self, code: str, name: str) -> None:
        """Returns once the process says that it is ready. Raises NotReady."""
        self._wait_ready(self[code], [name])

    def kill(self, code: str, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Sends a signal to one process; supervisor starts it again when it dies. Returns the pid that got it."""
        return self.supervisor.signal(code, name, number)

    def wipe_broker(self, code: str) -> None:
        """Stops the broker of a district, forgets everything it held, and starts it again."""
        self.supervisor.stop_processes(code, ["broker"])
        self[code].district.broker.wipe()
        self.start_process(code, "broker")
        self[code].district.wait_engines()
