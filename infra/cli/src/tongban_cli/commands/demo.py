"""`tongban demo`: real cases cross two districts of their own environment and come back decided; writes build/demo.json."""

from __future__ import annotations

import argparse
import json
import sys
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

    # Into a file or a pipe the trees go as wide as they are; on a terminal they fold.
    width = None if sys.stdout.isatty() else 160
    console, began = Console(highlight=False, quiet=args.json, width=width), time.monotonic()
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
        if not args.keep:
            _end(environment, console)
        verify(results, environment, BUILD, console)
    finally:
        if not args.keep:
            environment.down(forget=True)
    file = BUILD / "demo.json"
    file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    if args.json:
        print(file.read_text())
    console.print(
        f"\n[green]{len(results)} stories, all ended as they should[/green]: {file} · {time.monotonic() - began:.0f} s"
    )
    return 0


def _end(environment: Any, console: Any) -> None:
    with console.status("ending every process …"):
        environment.down()
    console.print("\nevery process has ended; the evidence is verified with no broker and no database")


def verify(results: list[dict[str, Any]], environment: Any, build: Path, console: Any) -> None:
    """Puts the number of receipts that hold into each story. Raises EvidenceFailed when a file does not hold."""
    from tongban_cli.demo_evidence import verify_evidence

    trust = environment.trust
    for story in results:
        file = build / "demo-evidence" / f"{story['case_no']}.json"
        found = verify_evidence(file, trust.registry, trust.root_public)
        story["receipts_verified"] = found["receipts"]
        console.print(
            f"  {story['case_no']}: {found['records']} records, {found['receipts']} receipts, {found['anchors']} anchors hold"
        )
