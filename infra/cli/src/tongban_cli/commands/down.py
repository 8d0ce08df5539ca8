"""`tongban down`: ends every process of the environment, Erlang and epmd among them, and makes sure of it."""

from __future__ import annotations

import argparse
from typing import Any

from tongban_cli.main import environment_of


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("down", help="end every process of the environment")
    parser.add_argument("--forget", action="store_true", help="remove its data, keys and passwords too")


def run(args: argparse.Namespace) -> int:
    from rich.console import Console
    from tongban_local.environment import Environment

    console = Console(highlight=False)
    with console.status("ending every process …"):
        Environment(environment_of(args)).down(forget=args.forget)
    console.print("nothing of it runs any more" + (", nothing of it is kept" if args.forget else ""))
    return 0
