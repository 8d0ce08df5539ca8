"""`tongban demo`: real cases cross two districts of their own environment and come back decided; writes build/demo.json."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("demo", help="a case crosses two districts and comes back decided")
    parser.add_argument("--keep", action="store_true", help="leave the environment running and its data in place")
    parser.add_argument("--json", action="store_true", help="print build/demo.json at the end, nothing else")


def run(args: argparse.Namespace) -> int:
    """0 when every story ended as it should."""
    from rich.console import Console
    from tongban_local.checkout import BUILD, linked
    from tongban_local.environment import Environment

    from tongban_cli.demo_stories import GUSU, HUANGPU, Stage, tell

    console, began = Console(highlight=False, quiet=args.json), time.monotonic()
    # Beside `make up` and beside a demo of another checkout: addresses of its own, ports chosen free.
    folder: Path = args.env or linked("demo")
    environment = Environment(folder, offset=40)
    try:
        with console.status("starting two districts …") as spinner:

            def report(line: str) -> None:
                console.print(f"[dim]{time.monotonic() - began:5.1f} s[/dim]  {line}")
                spinner.update(f"{line} …")

            environment.up([GUSU, HUANGPU], report=report)
        results = tell(Stage(environment, console, BUILD))
    finally:
        if not args.keep:
            with console.status("ending every process …"):
                environment.down(forget=True)
    file = BUILD / "demo.json"
    file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    if args.json:
        print(file.read_text())
    console.print(
        f"\n[green]{len(results)} stories, all ended as they should[/green]: {file} · {time.monotonic() - began:.0f} s"
    )
    return 0
