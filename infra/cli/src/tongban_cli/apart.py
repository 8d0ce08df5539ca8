"""A tool in a virtual environment of its own, from its own lock file: what it pins must not hold back anybody else."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tongban_local.checkout import ROOT


class NoTool(RuntimeError):
    """The tool could not be installed; says why."""


def program(name: str) -> Path:
    """The command `name`, installed from requirements/<name>.txt; once for a lock file. Raises NoTool."""
    lock = ROOT / "requirements" / f"{name}.txt"
    folder = ROOT / "build" / "tools" / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    ready = folder / ".ready"
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", "--without-pip", str(folder)], name)
        install = [
            "pip",
            "install",
            "-q",
            "--python",
            str(folder / "bin" / "python"),
            "--require-hashes",
            "-r",
            str(lock),
        ]
        _run([_uv(), *install], name)
        ready.touch()
    return folder / "bin" / name


def _uv() -> str:
    beside = ROOT / "build" / "tools" / "bin" / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        raise NoTool("uv is not installed: infra/setup.sh installs it")
    return found


def _run(argv: list[str], name: str) -> None:
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    if done.returncode:
        raise NoTool(f"{name} could not be installed:\n{done.stderr.strip()[-2000:]}")
