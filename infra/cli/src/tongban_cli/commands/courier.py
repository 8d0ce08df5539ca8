"""`tongban courier export CASE` and `verify FILE`: what both districts can prove about a case, and whether it holds.

`resend ID` and `brief PEER`: what a person does when the reason of a refusal is gone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tongban_cli.main import environment_of


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("courier", help="a case's evidence; what was refused, once more")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    export = verbs.add_parser("export", help="writes what every district's courier can prove about a case")
    export.add_argument("case", metavar="CASE", help="a case number, or a subject such as ticket/<number>")
    export.add_argument("--out", type=Path, required=True, metavar="FILE")
    verify = verbs.add_parser("verify", help="checks such a file with nothing running")
    verify.add_argument("file", type=Path, metavar="FILE")
    verify.add_argument("--registry", type=Path, required=True, metavar="FILE", help="the registry, signed by the root")
    verify.add_argument(
        "--root", type=Path, metavar="FILE", help="the root's public key (JWK); else the registry's word"
    )
    resend = verbs.add_parser(
        "resend", help="sends a refused message again (what opened a matter its service offers again)"
    )
    resend.add_argument("id", metavar="ID", help="as `GET /v1/links/PEER/messages?state=refused` shows it")
    brief = verbs.add_parser("brief", help="has a peer told again all that it should have, as when its link opened")
    brief.add_argument("peer", metavar="PEER", help="division code")
    for verb in (resend, brief):
        verb.add_argument("--district", required=True, metavar="CODE", help="whose courier sends")
    for verb in (export, verify, resend, brief):
        verb.add_argument("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> int:
    """0 done, 1 refused or nothing there, 2 a file cannot be read."""
    return {"export": _export, "verify": _verify, "resend": _resend, "brief": _brief}[args.verb](args)


def _resend(args: argparse.Namespace) -> int:
    return _ask(args, args.id, lambda told: f"{args.id} goes to {', '.join(told['resent'])} again")


def _brief(args: argparse.Namespace) -> int:
    return _ask(args, args.peer, lambda told: f"the services of {args.district} bring {told['peer']} up to date")


def _ask(args: argparse.Namespace, given: str, sentence: Callable[[Any], str]) -> int:
    """The command of the same name of that district's courier."""
    from tongban_local.districts import UnknownDistrict
    from tongban_local.environment import Environment
    from tongban_local.prepare import run_service_command

    try:
        place = Environment(environment_of(args))[args.district]
    except KeyError:
        raise UnknownDistrict(f"{args.district} is not installed here: `make up` says which districts are") from None
    told = json.loads(run_service_command(place, "courier", args.verb, given, allowed=(0, 1)).splitlines()[-1])
    refused = "error" in told
    if args.json:
        print(json.dumps(told, ensure_ascii=False))
    elif refused:
        print(f"tongban: {args.district}: {told['error']} {told['detail']}", file=sys.stderr)
    else:
        print(sentence(told))
    return 1 if refused else 0


def _export(args: argparse.Namespace) -> int:
    from courier.domain import evidence
    from tongban_local.environment import Environment
    from tongban_local.prepare import run_service_command

    subject = args.case if "/" in args.case else f"case/{args.case}"
    parts: dict[str, Any] = {}
    for place in Environment(environment_of(args)).places:
        told = json.loads(run_service_command(place, "courier", "evidence", subject, allowed=(0, 1)).splitlines()[-1])
        if "error" in told:
            print(f"tongban: {place.code}: {told['error']} {told['detail']}", file=sys.stderr)
            return 1
        if told["part"] is not None:
            parts[place.code] = told["part"]
    if not parts:
        print(f"tongban: no courier here has anything about {subject}", file=sys.stderr)
        return 1
    args.out.write_bytes(evidence.write(subject, list(parts.values())))
    counts = {code: len(part["records"]) for code, part in parts.items()}
    found = {"subject": subject, "file": str(args.out), "records": counts}
    if args.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        records = ", ".join(f"{count} of {code}" for code, count in counts.items())
        print(f"{args.out}: {subject}, records: {records}")
    return 0


def _verify(args: argparse.Namespace) -> int:
    """Imports no service's storage and opens no connection: everything needed is in the files."""
    from courier import registry_file
    from courier.adapters import jose
    from courier.domain import evidence, proof
    from courier.domain.errors import CourierError, EvidenceError

    try:
        data, text = args.file.read_bytes(), args.registry.read_text()
        root = json.loads(args.root.read_text()) if args.root else registry_file.shown_root(text)
        registry = registry_file.read_registry(text, root)
    except (OSError, ValueError, CourierError) as error:
        print(f"tongban: {error}", file=sys.stderr)
        return 2
    try:
        finding = proof.verify(evidence.read(data), registry, jose)
    except EvidenceError as error:
        _refused(error, as_json=args.json)
        return 1
    _holds(finding, jose.thumbprint(root), pinned=args.root is not None, as_json=args.json)
    return 0


def _refused(error: Any, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"holds": False, "code": error.code, "detail": error.detail}, ensure_ascii=False))
        return
    from rich.console import Console

    Console(highlight=False).print(f"[red]refused[/red] {error.code}: {error.detail}", soft_wrap=True)


def _holds(finding: Any, root: str, *, pinned: bool, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"holds": True, "root": root, "root_given": pinned, **vars(finding)}, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console(highlight=False)
    console.print(
        f"[green]holds[/green] {finding.subject}: {finding.records} records of {', '.join(finding.districts)}"
    )
    console.print(
        f"  receipted numbers: {finding.receipts}; heads that bind one side by another's word: {finding.anchors}"
    )
    for note in finding.notes:
        console.print(f"  [yellow]note[/yellow] {note}", soft_wrap=True)
    console.print(
        f"  root key {root}" + ("" if pinned else " (by the registry's own word: compare it, or give --root)")
    )
