"""`tongban agreement make|sign|install`: what two districts may open with each other, signed by both."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tongban_cli.commands.registry import install, payload_of


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("agreement", help="an agreement between two districts: make, sign, install")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    make = verbs.add_parser("make", help="writes one, not signed yet")
    make.add_argument("file", type=Path, metavar="FILE", help="where to write it")
    make.add_argument("--parties", nargs=2, required=True, metavar="CODE")
    make.add_argument("--version", type=int, required=True)
    make.add_argument(
        "--opens",
        action="append",
        default=[],
        metavar="CODE=WHAT,…",
        help="what a party may open: item codes, kiosk, ticket, *",
    )
    make.add_argument("--from", dest="begins", default="", metavar="TIME", help="RFC 3339; now unless given")
    make.add_argument("--until", dest="ends", default="", metavar="TIME")
    make.add_argument("--notice-starts", choices=("intake", "handling"), default="handling")
    sign = verbs.add_parser("sign", help="adds a party's signature")
    sign.add_argument("file", type=Path, metavar="FILE")
    sign.add_argument("--key", type=Path, required=True, metavar="FILE", help="the party's courier keys (JWKS)")
    installing = verbs.add_parser("install", help="gives it to both parties' couriers, as far as they run here")
    installing.add_argument("file", type=Path, metavar="FILE")
    installing.add_argument("--district", action="append", default=[], metavar="CODE", help="only to this one")
    for verb in (make, sign, installing):
        verb.add_argument("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> int:
    """0 done, 1 refused, 2 the file or the wish makes no sense."""
    from courier.domain.errors import CourierError

    try:
        return {"make": _make, "sign": _sign, "install": _install}[args.verb](args)
    except (OSError, ValueError, KeyError, CourierError) as error:
        print(f"tongban: {args.file}: {error}", file=sys.stderr)
        return 2


def _make(args: argparse.Namespace) -> int:
    from courier import registry_file
    from courier.domain.agreements import from_payload, to_payload
    from courier.domain.canonical import canonical

    opens = dict(part.split("=", 1) for part in args.opens)
    made = registry_file.agreement(
        *args.parties,
        version=args.version,
        opens={giver: what.split(",") for giver, what in opens.items()},
        valid_from=_moment(args.begins) or datetime.now(UTC).replace(microsecond=0),
        valid_until=_moment(args.ends),
        notice_starts=args.notice_starts,
    )
    payload = to_payload(made)
    from_payload(payload)  # says what is wrong with it
    args.file.write_bytes(canonical(payload))
    return _say(args, made.version)


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _sign(args: argparse.Namespace) -> int:
    from courier import keys, registry_file
    from courier.domain.agreements import from_payload

    text = args.file.read_text()
    made = from_payload(payload_of(args.file))
    key = [key for key in keys.read_district_keys(args.key) if key["use"] == keys.SIGNING][-1]
    earlier = text if "signatures" in registry_file.parse(text) else ""
    args.file.write_text(registry_file.sign_agreement(made, key, earlier))
    return _say(args, made.version)


def _install(args: argparse.Namespace) -> int:
    from tongban_local.environment import Environment

    from tongban_cli.main import environment_of

    here = {place.code for place in Environment(environment_of(args)).places}
    parties = [code for code in payload_of(args.file)["parties"] if code in here]
    return install(args, "install-agreement", args.district or parties)


def _say(args: argparse.Namespace, version: int) -> int:
    found = {"file": str(args.file), "version": version}
    print(json.dumps(found) if args.json else f"{args.file}: version {version}")
    return 0
