"""`tongban lint`: formatter, linter, types, layers and contracts; all of them, then the list of what failed."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_SOURCES = ("services", "infra", "tests", "charts", "conftest.py")


def register(subparsers: Any) -> None:
    subparsers.add_parser("lint", help="formatter, linter, types, layers, contracts")


def run(_args: argparse.Namespace) -> int:
    from tongban_local.checkout import ROOT

    programs = Path(sys.prefix, "bin")
    packages = sorted(path for path in ROOT.glob("*/*/src/*") if (path / "__init__.py").exists())
    checks: dict[str, list[str]] = {
        "format": [f"{programs}/ruff", "format", "--check", *_SOURCES],
        "lint": [f"{programs}/ruff", "check", *_SOURCES],
        "types": [f"{programs}/mypy", *map(str, packages)],
        "layers": [f"{programs}/lint-imports"],
        "contracts": [f"{programs}/buf", "lint", "proto"],
        "generated": ["proto/generate.sh", "--check"],
        "chart": [sys.executable, "-m", "tongban_cli", "chart", "--check"],
        "queue names": [sys.executable, "-m", "tongban_broker.lock", "--check"],
        "events": [sys.executable, "-m", "tongban_broker.asyncapi", "--check"],
        "dashboards": [sys.executable, "-m", "tongban_observability", "--check"],
    }
    environ = {**os.environ, "PYTHON": sys.executable}
    failed = []
    for name, argv in checks.items():
        print(f"== {name}", flush=True)
        if subprocess.run(argv, cwd=ROOT, env=environ, check=False).returncode:
            failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else "all passed")
    return 1 if failed else 0
