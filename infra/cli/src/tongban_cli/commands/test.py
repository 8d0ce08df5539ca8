"""`tongban test [RING …]`: the rings of tests, inside out, each with its minutes; a failed ring does not hide the next."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tongban_cli.commands import lint

#: Folders of each ring, as patterns. Each match is one pytest process: eventlet patches the process that imports it, so
#: services that have it and services that must not never share one.
RINGS = {
    "shape": ("tests/architecture", "tests/contract"),
    "unit": ("services/*/tests/unit", "infra/*/tests", "tests/*/unit"),
    "component": ("services/*/tests/component", "tests/support"),
    "deploy": ("tests/deploy",),
    "system": ("tests/system",),
    "federation": ("tests/federation",),
    "clients": ("tests/clients",),
    "browser": ("tests/browser",),
}
LINT = "lint"
#: How much of a failure's message stands in the summary.
_REASON_CHARS = 160


@dataclass
class Result:
    """What one ring came to."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)
    #: `test: why` of everything that failed.
    reasons: list[str] = field(default_factory=list)

    def add(self, report: Path) -> None:
        """Counts what pytest wrote; a report that is missing counts nothing (the folder is named as broken)."""
        if not report.exists():
            return
        suite = next(ElementTree.parse(report).getroot().iter("testsuite"))  # noqa: S314  written by our own run
        tests, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        self.failed, self.skipped, self.passed = (
            self.failed + failed,
            self.skipped + skipped,
            self.passed + tests - failed - skipped,
        )
        for case in suite.iter("testcase"):
            for trouble in (*case.iter("failure"), *case.iter("error")):
                why = " ".join((trouble.get("message") or "").split())[:_REASON_CHARS]
                self.reasons.append(f"{case.get('classname')}::{case.get('name')}: {why}")


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("test", help="the rings of tests, each with its minutes")
    parser.add_argument("rings", nargs="*", metavar="RING", help=f"of {', '.join(RINGS)} (default: all)")


def run(args: argparse.Namespace) -> int:
    from tongban_local.checkout import ROOT

    rings = args.rings or list(RINGS)
    if unknown := sorted(set(rings) - set(RINGS)):
        print(f"tongban test: no ring {', '.join(unknown)}; there are {', '.join(RINGS)}", file=sys.stderr)
        return 2
    results = {LINT: _lint()} if not args.rings else {}
    results |= {ring: _run_ring(ROOT, ring) for ring in rings}
    print("\nring         minutes  passed  failed  skipped")
    for ring, result in results.items():
        print(f"{ring:<12} {result.seconds / 60:7.1f} {result.passed:7} {result.failed:7} {result.skipped:8}")
    broken = [folder for result in results.values() for folder in result.broken]
    for folder in broken:
        print(f"failed: {folder}")
    for reason in (reason for result in results.values() for reason in result.reasons):
        print(f"  {reason}")
    total = [sum(getattr(result, name) for result in results.values()) for name in ("passed", "failed", "skipped")]
    print("{} passed, {} failed, {} skipped".format(*total))
    return 1 if broken else 0


def _lint() -> Result:
    """Formatter, linter, types, layers and contracts, as `tongban lint` runs them; counted as one."""
    began = time.monotonic()
    broken = lint.run(argparse.Namespace())
    return Result(passed=1 - broken, failed=broken, seconds=time.monotonic() - began, broken=[LINT] if broken else [])


def _run_ring(root: Path, ring: str) -> Result:
    began, result = time.monotonic(), Result()
    reports = root / "build" / "test-reports"
    reports.mkdir(parents=True, exist_ok=True)
    for folder in _folders(root, ring):
        print(f"\n== {ring}: {folder}", flush=True)
        report = reports / f"{folder.replace('/', '-')}.xml"
        report.unlink(missing_ok=True)
        argv = [sys.executable, "-m", "pytest", folder, f"--junitxml={report}"]
        if subprocess.run(argv, cwd=root, check=False).returncode:  # also 5, no test found: a ring that tests nothing
            result.broken.append(folder)
        result.add(report)
    result.seconds = time.monotonic() - began
    return result


def _folders(root: Path, ring: str) -> Iterator[str]:
    for pattern in RINGS[ring]:
        yield from (str(path.relative_to(root)) for path in sorted(root.glob(pattern)) if path.is_dir())
