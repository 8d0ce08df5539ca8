"""`tongban logs [CODE] [PROCESS]`: the end of the logs, oldest file first; `--follow` stays."""

from __future__ import annotations

import argparse
import os
from typing import Any

from tongban_cli.main import environment_of


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("logs", help="what the processes wrote")
    parser.add_argument("district", nargs="?", metavar="CODE")
    parser.add_argument("process", nargs="?", metavar="PROCESS", help="for example case_routing, broker")
    parser.add_argument("--lines", type=int, default=40, metavar="N")
    parser.add_argument("--follow", action="store_true", help="stay, and show what comes")


def run(args: argparse.Namespace) -> int:
    pattern = f"{args.district or '[0-9]*'}/logs/{args.process or '*'}.log"
    paths = sorted(environment_of(args).glob(pattern))
    if not paths:
        print(f"no log matches {pattern}")
        return 1
    follow = ["-F"] if args.follow else []
    os.execvp("tail", ["tail", "-n", str(args.lines), *follow, *map(str, paths)])  # noqa: S606  fixed arguments
    return 0
