"""`tongban faults`: does harm to districts of its own while people ask, and writes build/faults.json."""

from __future__ import annotations

import argparse
import subprocess
import sys
from typing import Any


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("faults", help="faults beside their controls; writes build/faults.json")
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="these rows (default: the first set)")
    parser.add_argument("--trials", type=int, default=0, metavar="N", help="of each point or case (default: 20)")
    parser.add_argument("--resume", action="store_true", help="go on where an earlier run was broken off")


def run(args: argparse.Namespace) -> int:
    """0 when nothing was lost, doubled, unexpected or silent, and every control shows what it is for."""
    from tongban_local.checkout import ROOT

    argv = [sys.executable, "-m", "tests.faults"]
    argv += ["--only", *args.only] if args.only else []
    argv += ["--trials", str(args.trials)] if args.trials else []
    argv += ["--resume"] if args.resume else []
    try:
        return subprocess.run(argv, cwd=ROOT, check=False).returncode
    except KeyboardInterrupt:
        return 130
