"""`tongban registry root|make|sign|install|show`: the registry of districts as a file, from its making to the couriers."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tongban_cli.main import environment_of


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("registry", help="the registry of districts: make, sign, install, show")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    root = verbs.add_parser(
        "root", help="makes the alliance's root key, once: root.jwk, and root.pub.jwk for everybody"
    )
    root.add_argument("file", type=Path, metavar="DIR", help="where: on a machine that is not connected")
    make = verbs.add_parser("make", help="writes the next version, not signed yet")
    make.add_argument("file", type=Path, metavar="FILE", help="where to write it")
    make.add_argument("--previous", type=Path, metavar="FILE", help="the signed version that it follows")
    make.add_argument(
        "--member", type=Path, action="append", default=[], metavar="FILE", help="a district (JSON): see README"
    )
    make.add_argument(
        "--bundle", type=Path, action="append", default=[], metavar="FILE", help="a district, by its join bundle"
    )
    make.add_argument("--suspend", action="append", default=[], metavar="CODE", help="refuse this member from now on")
    make.add_argument("--activate", action="append", default=[], metavar="CODE", help="take this member back")
    make.add_argument("--days", type=int, default=90, help="how long it counts")
    sign = verbs.add_parser("sign", help="signs it with the alliance's root key")
    sign.add_argument("file", type=Path, metavar="FILE")
    sign.add_argument("--key", type=Path, required=True, metavar="FILE", help="the root's private key (JWK)")
    install = verbs.add_parser("install", help="gives it to the couriers of this environment")
    install.add_argument("file", type=Path, metavar="FILE")
    install.add_argument(
        "--district", action="append", default=[], metavar="CODE", help="only to this one (may be repeated)"
    )
    show = verbs.add_parser("show", help="what stands in it")
    show.add_argument("file", type=Path, metavar="FILE")
    for verb in (root, make, sign, install, show):
        verb.add_argument("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> int:
    """0 done, 1 refused, 2 the file makes no sense."""
    from courier.domain.errors import CourierError

    try:
        return {"root": _root, "make": _make, "sign": _sign, "install": _install, "show": _show}[args.verb](args)
    except (OSError, ValueError, KeyError, CourierError) as error:
        print(f"tongban: {args.file}: {error}", file=sys.stderr)
        return 2


def _root(args: argparse.Namespace) -> int:
    from courier import keys

    made = keys.make_root(args.file)
    told = {"root": made.kid, "file": str(args.file / "root.pub.jwk")}
    print(
        json.dumps(told) if args.json else f"{told['file']}: root key {made.kid}; root.jwk beside it signs registries"
    )
    return 0


def _make(args: argparse.Namespace) -> int:
    from dataclasses import replace

    from courier import registry_file
    from courier.domain.canonical import canonical
    from courier.domain.registry import State, from_payload, to_payload

    now = datetime.now(UTC).replace(microsecond=0)
    members = [_member(path, now) for path in args.member] + [_bundled(path, now) for path in args.bundle]
    if args.previous:
        previous = from_payload(registry_file.unsigned_payload(args.previous.read_text()))
        states = dict.fromkeys(args.suspend, State.SUSPENDED) | dict.fromkeys(args.activate, State.ACTIVE)
        named = {member.code for member in members}
        members += [replace(previous.members[code], state=state) for code, state in states.items() if code not in named]
        made = registry_file.succeed(previous, members, now=now, days=args.days)
    else:
        made = registry_file.registry(members, version=1, now=now, days=args.days)
    args.file.write_bytes(canonical(to_payload(made)))
    return _say(args, {"version": made.version, "members": sorted(made.members), "file": str(args.file)})


def _member(path: Path, now: datetime) -> Any:
    """A district from a file: the registry's fields, `keys_file` (a JWKS of courier.keys) and `tls_file` (PEM)."""
    from courier import keys, registry_file

    told = json.loads(path.read_text())
    shown = keys.public_keys(path.parent / told.pop("keys_file"))
    shown.append(keys.tls_key((path.parent / told.pop("tls_file")).read_text(), now - keys.MARGIN))
    return registry_file.member(**told, keys=shown)


def _bundled(path: Path, now: datetime) -> Any:
    """A district from its join bundle; whoever signs the registry has compared the fingerprint."""
    from tongban_cli import district_bundle
    from tongban_cli.district_errors import DistrictError

    try:
        bundle = district_bundle.read(path.read_text(), now)
    except DistrictError as error:
        raise ValueError(f"{path}: {error}") from None
    print(f"{bundle.member.code} {bundle.member.name_en}: key {bundle.fingerprint}", file=sys.stderr)
    return bundle.member


def _sign(args: argparse.Namespace) -> int:
    from courier import keys, registry_file
    from courier.domain.registry import from_payload

    made = from_payload(payload_of(args.file))
    args.file.write_text(registry_file.sign_registry(made, keys.read_root(args.key)))
    return _say(args, {"version": made.version, "file": str(args.file)})


def _install(args: argparse.Namespace) -> int:
    return install(args, "install-registry", args.district)


def _show(args: argparse.Namespace) -> int:
    from courier.domain.registry import from_payload

    payload = payload_of(args.file)
    registry = from_payload(payload)
    if args.json:
        print(json.dumps(payload, ensure_ascii=False))
        return 0
    from rich.console import Console
    from rich.table import Table

    title = f"version {registry.version}, {registry.issued_at:%Y-%m-%d} to {registry.expires_at:%Y-%m-%d}"
    table = Table("code", "district", "relation", "state", "broker", "keys", title=title, title_justify="left")
    for member in registry.members.values():
        relation = member.relation.value + (f" ({', '.join(sorted(member.linked_to))})" if member.linked_to else "")
        keys = ", ".join(f"{key.use} {key.kid[:8]}" for key in member.keys)
        table.add_row(
            member.code, f"{member.name_zh} {member.name_en}", relation, member.state.value, member.broker, keys
        )
    Console(highlight=False).print(table)
    return 0


# Shared with `tongban agreement` ----------------------------------------------------------------------------------------


def payload_of(path: Path) -> Any:
    """What a file says, signed or not yet."""
    from courier import registry_file
    from courier.domain.canonical import parse_canonical
    from courier.domain.envelope import MAX_ENVELOPE

    text = path.read_text()
    document = registry_file.parse(text)
    if "signatures" in document:
        return registry_file.unsigned_payload(text)
    return parse_canonical(text.encode(), MAX_ENVELOPE)


def install(args: argparse.Namespace, command: str, codes: Sequence[str]) -> int:
    """Runs the courier's own command in each district; 0 when each of them has the file now."""
    from tongban_local.environment import Environment
    from tongban_local.prepare import run_service_command

    environment = Environment(environment_of(args))
    content, told = args.file.read_bytes(), {}
    for place in [environment[code] for code in codes] if codes else environment.places:
        output = run_service_command(place, "courier", command, stdin=content, allowed=(0, 1))
        told[place.code] = json.loads(output.splitlines()[-1])
    if args.json:
        print(json.dumps(told, ensure_ascii=False))
    else:
        for code, answer in told.items():
            print(f"{code}: {_sentence(answer)}")
    return 1 if any("error" in answer for answer in told.values()) else 0


def _sentence(answer: dict[str, Any]) -> str:
    if "error" in answer:
        return f"refused, {answer['detail']}"
    said = f"version {answer['version']} " + ("installed" if answer["installed"] else "was there")
    flying = {peer: len(ids) for peer, ids in answer.get("in_flight", {}).items()}
    return said + "".join(f"; {peer} is suspended, {count} messages in flight" for peer, count in flying.items())


def _say(args: argparse.Namespace, found: dict[str, Any]) -> int:
    print(json.dumps(found, ensure_ascii=False) if args.json else f"{found['file']}: version {found['version']}")
    return 0
