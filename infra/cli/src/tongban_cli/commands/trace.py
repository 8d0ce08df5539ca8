"""`tongban trace CASE`: a case's whole story over every district that had a part in it."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from tongban_cli.main import environment_of


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("trace", help="a case's timeline and traces, asked of each district")
    parser.add_argument("case", metavar="CASE", help="the case number")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> int:
    """0 when every district told, 1 when one refused or was away, 2 when nobody knows the case."""
    from rich.console import Console
    from tongban_local.environment import Environment
    from tongban_spans.tree import tree

    from tongban_cli.story import TOLD, as_data, story, timeline_table

    environment = Environment(environment_of(args))
    found = story(args.case, environment.places)
    silent = {code: how for code, how in found.districts.items() if how != TOLD}
    if not found.timeline:
        print(f"tongban: {_nobody(args.case, found.districts)}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(as_data(found), indent=1, ensure_ascii=False))
        return 1 if silent else 0
    console = Console(highlight=False)
    names = {place.code: f"{place.facts.name_zh} {place.facts.name_en}" for place in environment.places}
    console.print(timeline_table(found, names))
    console.print(tree(found.spans, f"case {args.case}: {len(found.trace_ids)} traces"))
    for code, how in silent.items():
        console.print(f"[red]{code} {names.get(code, '')}: {how}[/red]")
    return 1 if silent else 0


def _nobody(case: str, districts: dict[str, str]) -> str:
    """Why there is no story, and what to do."""
    if not districts:
        return "nothing was brought up here: `make up` does it"
    away = sorted(code for code, how in districts.items() if how == "away")
    if len(away) == len(districts):
        return f"no district answers ({', '.join(away)}): `make status` shows what runs"
    silent = f"; {', '.join(away)} did not answer" if away else ""
    return f"no district that answers knows {case}; a case number looks like 320508-20261124-KPGCTK7T{silent}"
