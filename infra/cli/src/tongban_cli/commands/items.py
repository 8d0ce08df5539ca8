"""`tongban items import FILE --district CODE`: a list of service items into that district's catalogue."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tongban_cli.main import environment_of


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("items", help="service items: import a list of names")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    importing = verbs.add_parser("import", help="import a CSV file; the same file again changes nothing")
    importing.add_argument("file", type=Path, metavar="FILE", help="as infra/districts/items/README.md says")
    importing.add_argument("--district", required=True, metavar="CODE", help="whose items they are (division code)")
    importing.add_argument("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> int:
    """0 when every row was good, 1 when rows were left out, 2 when the file as a whole makes no sense."""
    import subprocess

    from tongban_local.account import popen_identity
    from tongban_local.checkout import code
    from tongban_local.districts import UnknownDistrict, chosen
    from tongban_local.environment import Environment
    from tongban_local.programs import service_environ

    chosen([args.district])  # names a code that nobody has before one that is not installed here
    try:
        place = Environment(environment_of(args))[args.district]
    except KeyError:
        raise UnknownDistrict(f"{args.district} is not installed here: `make up` says which districts are") from None
    try:
        data = args.file.read_bytes()  # by whoever runs the command; the service's account may not reach it
    except OSError as error:
        print(f"tongban: {args.file}: {error.strerror}", file=sys.stderr)
        return 2
    done = subprocess.run(
        [str(code().python), "-m", "catalogue", "import-items", "-"],
        env=service_environ(place, "catalogue"),
        cwd=place.folder,
        input=data,
        stdout=subprocess.PIPE,
        check=False,
        **popen_identity(),
    )
    lines = done.stdout.decode().splitlines()
    if done.returncode not in (0, 1) or not lines:
        return done.returncode or 1
    try:
        report = json.loads(lines[-1])
        _show(report, as_json=args.json)
    except (ValueError, KeyError):  # it died while it worked: what it wrote is a log
        print("\n".join(lines[-5:]), file=sys.stderr)
        return 1
    return done.returncode


def _show(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report, indent=1, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    console.print(f"added {report['added']}, changed {report['changed']}, unchanged {report['unchanged']}")
    if report["bad"]:
        table = Table(title=f"{len(report['bad'])} rows left out", title_justify="left")
        table.add_column("row", justify="right")
        table.add_column("reason")
        for bad in report["bad"]:
            table.add_row(str(bad["row"]), bad["reason"])
        console.print(table)
