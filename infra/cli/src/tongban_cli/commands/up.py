"""`tongban up [CODE …]`: brings districts up on this machine; again: nothing changes."""

from __future__ import annotations

import argparse
import time
from typing import Any

from tongban_cli.main import environment_of


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("up", help="start districts on this machine")
    parser.add_argument("districts", nargs="*", metavar="CODE", help="division codes (default: 320508 310101)")
    parser.add_argument("--without-samples", action="store_true", help="no sample people and items")


def run(args: argparse.Namespace) -> int:
    from rich.console import Console
    from tongban_local.districts import DEFAULT
    from tongban_local.environment import Environment
    from tongban_local.keys import PEOPLE

    console, began = Console(highlight=False), time.monotonic()
    environment = Environment(environment_of(args))
    codes = args.districts or DEFAULT
    with console.status(f"bringing up {', '.join(codes)} …") as spinner:

        def report(line: str) -> None:
            console.print(f"[dim]{time.monotonic() - began:5.1f} s[/dim]  {line}", soft_wrap=True)
            spinner.update(f"{line} …")

        environment.up(codes, samples=not args.without_samples, report=report)
    for code in codes:
        place = environment[code]
        name = f"[green]{code} {place.facts.name_zh}[/green] {place.facts.name_en}"
        console.print(f"{name}: {place.portal}", soft_wrap=True)
    console.print(f"certificate authority: {environment[codes[0]].authority}", soft_wrap=True)
    if not args.without_samples:
        console.print(f"sample accounts of each district: {', '.join(PEOPLE)}")
        for code in codes:
            console.print(
                f"  {code}: their passwords are in {environment[code].folder / 'people.json'}", soft_wrap=True
            )
    console.print("`make status` shows everything, `make down` ends it")
    return 0
