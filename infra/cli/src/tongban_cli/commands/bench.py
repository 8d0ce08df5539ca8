"""`tongban bench [--only NAME …]`: measures beside the floors; writes build/bench.json (tests/bench)."""

from __future__ import annotations

import argparse
import subprocess
import sys
from typing import Any


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("bench", help="figures beside their floors, into build/bench.json")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="of the rows in tests/bench/README.md")


def run(args: argparse.Namespace) -> int:
    """The exit status of the measuring; no figure makes it fail."""
    from tongban_local.checkout import ROOT

    chosen = ["--only", *args.only] if args.only else []
    return subprocess.run([sys.executable, "-m", "tests.bench", *chosen], cwd=ROOT, check=False).returncode
