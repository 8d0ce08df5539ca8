"""A service as the process that it is in a district, started by a test with the settings it gets everywhere."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tongban_local.checkout import code
from tongban_local.ports import free_port
from tongban_local.processes import Child, Command, wait_until

from tests.support.engines import Engines, ServiceDatabase


@dataclass
class ServiceProcess:
    """One running process of a service."""

    service: str
    environ: Mapping[str, str]
    health: str
    log: Path
    argv: tuple[str, ...]

    def start(self, timeout_s: float = 60) -> ServiceProcess:
        """Starts it (again) and waits until it says that it is ready. Raises NotReady with the end of its log."""
        self._child = Child(Command(self.service, self.argv, self.environ, self.log.parent), self.log)
        try:
            wait_until(
                self.ready, f"{self.service} ({self.log})", timeout_s, lambda: self._child.returncode() is not None
            )
        except Exception as error:
            error.add_note(self.log.read_text()[-4000:])
            raise
        return self

    @property
    def pid(self) -> int:
        return self._child.pid

    def ready(self) -> bool:
        return self.get("/readyz")[0] == 200

    def get(self, path: str) -> tuple[int, Any]:
        """Status and body of /livez, /readyz or /metrics; status 0 when nothing answers."""
        try:
            with urllib.request.urlopen(f"http://{self.health}{path}", timeout=5) as answer:
                body = answer.read()
                return answer.status, json.loads(body) if path != "/metrics" else body.decode()
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        except OSError:
            return 0, None

    def stop(self) -> int | None:
        """SIGTERM, then waits; the exit code."""
        self._child.stop()
        return self._child.returncode()

    def kill(self) -> None:
        """SIGKILL to it and to everything it started."""
        self._child.kill()


def start_service(
    engines: Engines, service: str, database: ServiceDatabase | None, extra: Mapping[str, str], module: str = ""
) -> ServiceProcess:
    """Starts `python -m <service>`; `extra` are environment variables that replace or add to its settings."""
    district = engines.district
    health = f"{district.host}:{free_port(district.host)}"
    environ = district.service_environ(service, health=health)
    if database is not None:
        environ["TONGBAN_DATABASE_URL"] = database.url
    argv = (str(code().python), "-m", module or service)
    log = district.folder / "logs" / f"{service}-{health.rpartition(':')[2]}.log"
    return ServiceProcess(service, {**environ, **extra}, health, log, argv).start()
