"""What a district needs once before its services start: roles, databases, migrations, and the samples to try it with."""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
from collections.abc import Container

from tongban_local.account import keep_file, popen_identity
from tongban_local.checkout import ROOT, code
from tongban_local.installation import Installation
from tongban_local.processes import NotReady
from tongban_local.programs import service_environ

#: The only items that were not generated; see the README beside them.
ITEMS = ROOT / "infra" / "districts" / "items" / "cross_province_items.csv"
SAMPLE_PEOPLE = ROOT / "services" / "identity" / "src" / "identity" / "samples.yaml"
#: Alembic keeps what it works on in module globals: one migration at a time in one process.
_one_at_a_time = threading.Lock()


def prepare_databases(place: Installation) -> None:
    """Roles, databases and migrations; where they are there already, nothing changes."""
    from chassis.database import migrate

    place.district.database.wait_ready()
    place.district.make_roles()
    place.district.make_databases()
    for service in place.district.owners:
        if (ROOT / "services" / service / "src" / service / "migrations" / "head").is_file():
            with _one_at_a_time:
                migrate(service, place.district.owner_url(service))


def run_service_command(
    place: Installation, service: str, *args: str, stdin: bytes = b"", allowed: Container[int] = (0,)
) -> str:
    """`python -m <service> <args>` with the service's own settings; what it said on its output. Raises NotReady when it fails."""
    done = subprocess.run(
        [str(code().python), "-m", service, *args],
        env=service_environ(place, service),
        cwd=place.folder,
        input=stdin,
        check=False,
        capture_output=True,
        **popen_identity(),
    )
    if done.returncode not in allowed or not done.stdout:  # a traceback ends with 1 too, and says nothing here
        last = "\n".join((done.stdout + done.stderr).decode(errors="replace").strip().splitlines()[-12:])
        raise NotReady(f"{place.code}: {service} {' '.join(args)} failed ({done.returncode}):\n{last}")
    return done.stdout.decode()


def import_samples(place: Installation) -> str:
    """The people and the items to try a district with; what was imported here before is not imported again.

    Returns a line that says what happened.
    """
    people, items, stamp = place.folder / "people.json", ITEMS.read_bytes(), place.folder / "samples.stamp"
    passwords = json.dumps(dict(place.district.secrets.people))
    wanted = hashlib.sha256(items + SAMPLE_PEOPLE.read_bytes() + passwords.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return "sample people and items are there"
    keep_file(people, passwords)
    told = run_service_command(place, "identity", "load-samples", "--passwords-file", str(people)).strip()
    said = run_service_command(place, "catalogue", "import-items", "-", stdin=items, allowed=(0, 1))
    report = json.loads(said.splitlines()[-1])
    keep_file(stamp, wanted)
    counts = ", ".join(f"{report[name]} {name}" for name in ("added", "changed", "unchanged"))
    return f"{told}; items: {counts}, {len(report['bad'])} bad"
