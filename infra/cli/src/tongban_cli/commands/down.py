"""`tongban down [CODE …]`: ends every process of the environment, Erlang and epmd among them, or those of some districts."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from tongban_cli.main import environment_of


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("down", help="end every process of the environment, or of some districts")
    parser.add_argument("districts", nargs="*", metavar="CODE", help="only these; `tongban up CODE` starts them again")
    parser.add_argument("--forget", action="store_true", help="remove its data, keys and passwords too")


def run(args: argparse.Namespace) -> int:
    from rich.console import Console
    from tongban_local.environment import Environment

    console, environment = Console(highlight=False), Environment(environment_of(args))
    if args.districts:
        return _some(environment, args, console)
    with console.status("ending every process …"):
        environment.down(forget=args.forget)
    console.print("nothing of it runs any more" + (", nothing of it is kept" if args.forget else ""))
    return 0


def _some(environment: Any, args: argparse.Namespace, console: Any) -> int:
    """Ends the processes of some districts; their data stays."""
    known = {place.code for place in environment.places}
    if args.forget or (strange := sorted(set(args.districts) - known)):
        why = "--forget takes the whole environment" if args.forget else f"not here: {', '.join(strange)}"
        print(f"tongban: {why}", file=sys.stderr)
        return 2
    for code in args.districts:
        with console.status(f"ending {code} …"):
            environment.stop_district(code)
        console.print(f"nothing of {code} runs any more; its data is kept")
    return 0
