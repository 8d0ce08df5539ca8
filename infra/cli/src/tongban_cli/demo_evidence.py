"""A case's evidence, exported while the districts run and verified by a program of its own with nothing running."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tongban_local.environment import Environment


class EvidenceFailed(Exception):
    """The evidence could not be exported, or does not hold; the message is the program's own word."""


def export_evidence(environment: Environment, number: str, folder: Path) -> Path:
    """`tongban courier export`: the file that holds what both couriers can prove of the case."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{number}.json"
    _tongban("--env", str(environment.folder), "courier", "export", number, "--out", str(file), "--json")
    return file


def verify_evidence(file: Path, registry: Path, root: Path) -> dict[str, Any]:
    """`tongban courier verify`: what it found. Raises EvidenceFailed when the file does not hold."""
    found: dict[str, Any] = _tongban(
        "courier", "verify", str(file), "--registry", str(registry), "--root", str(root), "--json"
    )
    return found


def _tongban(*argv: str) -> Any:
    done = subprocess.run([sys.executable, "-m", "tongban_cli", *argv], capture_output=True, text=True, check=False)
    if done.returncode:
        raise EvidenceFailed(f"tongban {' '.join(argv)}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])
