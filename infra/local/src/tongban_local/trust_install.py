"""Gives a district the signed files that its courier works by: the registry and the agreements it is a party of."""

from __future__ import annotations

import hashlib
import json

from tongban_local.account import keep_file
from tongban_local.installation import Installation
from tongban_local.prepare import run_service_command
from tongban_local.trust import Trust


def install_trust(place: Installation, trust: Trust) -> None:
    """Installs the newest registry, then every agreement; a file that was installed before is not installed again.

    The commands work on the courier's database; a running courier follows within seconds.
    """
    note = place.folder / "trust.json"
    installed: dict[str, str] = json.loads(note.read_text()) if note.exists() else {}
    files = [(trust.registry, "install-registry")]
    files += [(path, "install-agreement") for path in trust.agreements_of(place.code)]
    for path, command in files:
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if installed.get(path.name) != digest:
            run_service_command(place, "courier", command, stdin=content)
            installed[path.name] = digest
            keep_file(note, json.dumps(installed, indent=1, sort_keys=True))
