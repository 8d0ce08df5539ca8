"""`tongban test [RING …]`: the rings of tests, inside out, each with its minutes; a failed ring does not hide the next."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: Folders of each ring, as patterns. Each match is one pytest process: eventlet patches the process that imports it, so
#: services that have it and services that must not never share one.
RINGS = {
    "shape": ("tests/architecture", "tests/contract"),
    "unit": ("services/*/tests/unit", "infra/*/tests"),
    "component": ("services/*/tests/component", "tests/support"),
    "system": ("tests/system",),
    "federation": ("tests/federation",),
}
_NOTHING_COLLECTED = 5


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("test", help="the rings of tests, each with its minutes")
    parser.add_argument("rings", nargs="*", metavar="RING", help=f"of {', '.join(RINGS)} (default: all)")


def run(args: argparse.Namespace) -> int:
    from tongban_local.checkout import ROOT

    rings = args.rings or list(RINGS)
    if unknown := sorted(set(rings) - set(RINGS)):
        print(f"tongban test: no ring {', '.join(unknown)}; there are {', '.join(RINGS)}", file=sys.stderr)
        return 2
    results = {ring: _run_ring(ROOT, ring) for ring in rings}
    print("\nring         minutes  result")
    for ring, (minutes, failed) in results.items():
        print(f"{ring:<12} {minutes:7.1f}  {'failed: ' + ', '.join(failed) if failed else 'passed'}")
    return 1 if any(failed for _, failed in results.values()) else 0


def _run_ring(root: Path, ring: str) -> tuple[float, list[str]]:
    began, failed = time.monotonic(), []
    for folder in _folders(root, ring):
        print(f"\n== {ring}: {folder}", flush=True)
        status = subprocess.run([sys.executable, "-m", "pytest", folder], cwd=root, check=False).returncode
        if status not in (0, _NOTHING_COLLECTED):
            failed.append(folder)
    return (time.monotonic() - began) / 60, failed


def _folders(root: Path, ring: str) -> Iterator[str]:
    for pattern in RINGS[ring]:
        yield from (str(path.relative_to(root)) for path in sorted(root.glob(pattern)) if path.is_dir())
