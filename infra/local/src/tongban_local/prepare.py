"""What a district needs once before its services start: roles, databases, migrations, and the samples to try it with."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from tongban_local.account import popen_identity
from tongban_local.checkout import ROOT, code
from tongban_local.installation import Installation
from tongban_local.processes import NotReady
from tongban_local.programs import service_environ

#: Alembic keeps what it works on in module globals: one migration at a time in one process.
_one_at_a_time = threading.Lock()


def prepare_databases(place: Installation) -> None:
    """Roles, databases and migrations; where they are there already, nothing changes."""
    from chassis.database import migrate

    place.district.database.wait_ready()
    place.district.make_roles()
    place.district.make_databases()
    for service in place.district.bus.servers:
        if (ROOT / "services" / service / "src" / service / "migrations" / "head").is_file():
            with _one_at_a_time:
                migrate(service, place.district.owner_url(service))


def run_service_command(place: Installation, service: str, *args: str, extra: Mapping[str, str] | None = None) -> str:
    """`python -m <service> <args>` with the service's own settings; its output. Raises NotReady when it fails."""
    done = subprocess.run(
        [str(code().python), "-m", service, *args],
        env={**service_environ(place, service), **(extra or {})},
        cwd=place.folder,
        check=False,
        capture_output=True,
        text=True,
        **popen_identity(),
    )
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise NotReady(f"{place.code}: {service} {' '.join(args)} failed ({done.returncode}):\n{last}")
    return done.stdout


def import_samples(place: Installation, items: Sequence[Path]) -> None:
    """The people and the items to try a district with; importing them again changes nothing."""
    for path in items:
        run_service_command(place, "catalogue", "import-items", str(path))
