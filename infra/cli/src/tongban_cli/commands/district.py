"""`tongban district new|accept|secrets|check|rotate`: a district as a folder, its keys, its peers.

On one side `new CODE` writes infra/districts/CODE and its join bundle; on the other `accept BUNDLE` takes it in, after both
have compared the fingerprint. `secrets CODE` prints what Kubernetes needs, `check` says what is missing, `rotate` changes keys.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("district", help="a district's folder, keys, Secrets and peers")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    new = verbs.add_parser(
        "new", help="writes the folder, makes the keys, signs the join bundle; again: what is missing"
    )
    new.add_argument("code", metavar="CODE", help="division code (GB/T 2260)")
    new.add_argument("--name-zh", default="", metavar="NAME")
    new.add_argument("--name-en", default="", metavar="NAME", help="with the city: 'Tianning, Changzhou'")
    new.add_argument("--relation", choices=("alliance", "bilateral"), default="alliance")
    new.add_argument("--linked-to", action="append", default=[], metavar="CODE", help="bilateral: with whom")
    new.add_argument(
        "--tls-ca", type=Path, metavar="FILE", help="PEM: who issues its couriers' certificates, if not itself"
    )
    accept = verbs.add_parser("accept", help="checks a peer's bundle, shows it, and lists the peer in values.yaml")
    accept.add_argument("bundle", type=Path, metavar="BUNDLE")
    accept.add_argument("--district", default="", metavar="CODE", help="who accepts it, where several keep keys here")
    accept.add_argument("--code", default="", metavar="CODE", help="whose it must be")
    accept.add_argument(
        "--fingerprint", default="", metavar="KEY", help="as the other side reads it out; else it is asked"
    )
    accept.add_argument(
        "--cidr", action="append", default=[], metavar="CIDR", help="addresses of its broker and courier"
    )
    accept.add_argument("--namespace", default="", help="where it runs in this cluster")
    accept.add_argument("--replace", action="store_true", help="also where it was accepted with another key")
    secrets = verbs.add_parser("secrets", help="prints its Kubernetes Secrets as YAML")
    secrets.add_argument("code", metavar="CODE")
    secrets.add_argument("--root", type=Path, metavar="FILE", help="the alliance's public root key (JWK)")
    secrets.add_argument(
        "--fresh",
        action="store_true",
        help="new passwords and keys of data at rest, kept nowhere: only before there is data",
    )
    check = verbs.add_parser("check", help="says what is missing")
    check.add_argument("codes", nargs="*", metavar="CODE", help="unless given, whose keys are kept here")
    check.add_argument("--json", action="store_true", help="for programs")
    rotate = verbs.add_parser("rotate", help="changes keys step by step; without KIND: where each stands")
    rotate.add_argument("code", metavar="CODE")
    rotate.add_argument("kind", nargs="?", default="", metavar="KIND", help="signing, sealing, identity, edge, transit, field, "
                        "authority, certificates, passwords")  # fmt: skip
    rotate.add_argument("step", nargs="?", default="", metavar="STEP", help="add, use, drop; or renew")
    rotate.add_argument("--early", action="store_true", help="drop the old key although something may still need it")
    for verb in (new, accept, secrets, check, rotate):
        verb.add_argument("--districts", type=Path, metavar="DIR", help="the folder of districts (infra/districts)")
        verb.add_argument(
            "--keep", type=Path, metavar="DIR", help="where keys are kept, a folder a district ($TONGBAN_KEEP)"
        )


def run(args: argparse.Namespace) -> int:
    """0 done, 1 refused or something is missing, 2 a file cannot be read."""
    from tongban_cli.district_errors import DistrictError

    try:
        verbs = {"new": _new, "accept": _accept, "secrets": _secrets, "check": _check, "rotate": _rotate}
        return verbs[args.verb](args)
    except DistrictError as error:
        print(f"tongban: {error}", file=sys.stderr)
        return 1
    except (OSError, UnicodeDecodeError) as error:
        print(f"tongban: {error}", file=sys.stderr)
        return 2


def _districts(args: argparse.Namespace) -> Any:
    from tongban_local.checkout import ROOT

    from tongban_cli.district_folder import Districts

    usual = ROOT / "infra" / "districts"
    return Districts(args.districts or (usual.relative_to(ROOT) if Path.cwd() == ROOT else usual))


def _keep(args: argparse.Namespace, code: str) -> Any:
    from tongban_cli.district_keep import Keep, default_folder

    return Keep(args.keep / code if args.keep else default_folder(code))


def _kept(args: argparse.Namespace) -> Any:
    """The keys of the district, which must be there. Raises DistrictError."""
    from tongban_cli.district_errors import DistrictError

    keep = _keep(args, args.code)
    if not keep.exists():
        how = f"`tongban district new {args.code}` makes them, --keep says where they are"
        raise DistrictError("no_keys", f"there are no keys in {keep.folder}: {how}")
    return keep


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _new(args: argparse.Namespace) -> int:
    from tongban_cli.district_errors import DistrictError
    from tongban_cli.district_join import introduce

    folder, keep = _districts(args)[args.code], _keep(args, args.code)
    if not folder.local.exists() and not (args.name_zh and args.name_en):
        raise DistrictError("no_name", f"{args.code} has no folder yet: give --name-zh and --name-en")
    if not folder.local.exists() and (args.relation == "bilateral") != bool(args.linked_to):
        raise DistrictError("not_linked", "--relation bilateral goes with --linked-to CODE, and --linked-to with it")
    facts = folder.facts()
    names = facts.get("name_zh", args.name_zh), facts.get("name_en", args.name_en)
    written = folder.begin(*names, args.relation, args.linked_to)
    bundle, fresh = introduce(folder, keep, _now(), args.tls_ca)
    for path in [*written, *([folder.join] if fresh else [])]:
        print(f"{path} written")
    print(f"keys and passwords are kept in {keep.folder}: back it up, and give it to nobody")
    print(
        f"{folder.join} is for those it is to be linked with; its key, to be read out to them:\n  {bundle.fingerprint}"
    )
    return 0


def _accept(args: argparse.Namespace) -> int:
    from tongban_cli import district_bundle
    from tongban_cli.district_join import accept, check_new, facts_of, peer_row

    now, districts = _now(), _districts(args)
    text = args.bundle.read_text()
    bundle = district_bundle.read(text, now, expected=args.code)
    for name, value in facts_of(bundle, now):
        print(f"  {name:<12} {value}")
    folder = districts[args.district or _only_kept(args, districts)]
    check_new(folder, bundle, replace=args.replace)
    row = peer_row(bundle.member, args.cidr, args.namespace)
    _confirm(args, bundle)
    changed = accept(folder, bundle, text, row)
    for path in changed:
        print(f"{path} written")
    print(f"{bundle.member.code} is a peer of {folder.code}" + ("" if changed else " already; nothing changed"))
    if changed:
        print(
            f"next: review the diff; `tongban registry make --bundle {districts.accepted(bundle.member.code)}` for the"
        )
        print("registry, `tongban agreement make` with the peer, `tongban district secrets` and helm upgrade here")
    return 0


def _only_kept(args: argparse.Namespace, districts: Any) -> str:
    """The one district that keeps its keys here. Raises DistrictError."""
    from tongban_cli.district_errors import DistrictError

    kept = [code for code in districts.codes if _keep(args, code).exists()]
    if len(kept) != 1:
        who = f"{', '.join(kept)} keep keys here" if kept else "no district keeps its keys here"
        raise DistrictError("which_district", f"{who}: say who accepts it, --district CODE")
    return str(kept[0])


def _confirm(args: argparse.Namespace, bundle: Any) -> None:
    """Somebody must have compared the fingerprint: whoever changes a file on its way can sign it too."""
    from tongban_cli.district_errors import DistrictError

    told = args.fingerprint.strip()
    if not told and sys.stdin.isatty():
        told = input(
            "Ask the other side, not by the way the file came, to read out its fingerprint. Type it here: "
        ).strip()
    if not told:
        how = f"call {bundle.member.code}, and give what they read out: --fingerprint KEY"
        raise DistrictError("not_compared", f"nobody has compared the fingerprint: {how}")
    if told != bundle.fingerprint:
        raise DistrictError(
            "other_fingerprint", "that is not the key which signed this file: do not accept it, ask again"
        )


def _secrets(args: argparse.Namespace) -> int:
    from tongban_broker.bus import Bus

    from tongban_cli.district_keep import fresh_passwords
    from tongban_cli.district_secrets import manifests, text

    folder, keep = _districts(args)[args.code], _kept(args)
    passwords = fresh_passwords(Bus.load(), {}) if args.fresh else keep.passwords(Bus.load())
    found = manifests(folder, keep, passwords, _root(args, folder), _authorities(folder))
    sys.stdout.write(text(list(found)))
    return 0


def _root(args: argparse.Namespace, folder: Any) -> str:
    """The alliance's public root key, as text. Raises DistrictError."""
    from tongban_cli.district_errors import DistrictError

    path: Path = args.root or folder.districts.trust / "root.pub.jwk"
    if not path.exists():
        raise DistrictError(
            "no_root", f"{path} is not there: get the alliance's public root key, and give it with --root"
        )
    try:
        key = json.loads(path.read_text())
        if key["kty"] and "d" not in key:
            return json.dumps(key)
    except (ValueError, KeyError, TypeError):
        pass
    raise DistrictError(
        "no_root", f"{path} is no public key (JWK), or a private one: the couriers need the public half"
    )


def _authorities(folder: Any) -> list[str]:
    """Whom the broker must believe about its peers' client certificates."""
    from tongban_cli import district_bundle

    found = []
    for code in folder.peers():
        paths = [folder.districts.accepted(code), folder.districts[code].join]
        known = [path for path in paths if path.exists()]
        if known:
            found.append(district_bundle.read_accepted(known[0].read_text()).authority)
        else:
            print(f"tongban: {code} was not accepted here, so its courier cannot connect yet", file=sys.stderr)
    return found


def _check(args: argparse.Namespace) -> int:
    from tongban_cli.district_check import findings

    districts = _districts(args)
    codes = args.codes or [code for code in districts.codes if _keep(args, code).exists()] or districts.codes
    found = {code: findings(districts[code], _keep(args, code), _now()) for code in codes}
    if args.json:
        print(json.dumps({code: [vars(one) for one in told] for code, told in found.items()}, ensure_ascii=False))
        return 1 if any(found.values()) else 0
    for code, told in found.items():
        print(f"{code}: " + (f"{len(told)} things are missing" if told else "nothing is missing"))
        for one in told:
            print(f"  {one.sentence}\n    ({one.code})")
    return 1 if any(found.values()) else 0


def _rotate(args: argparse.Namespace) -> int:
    from tongban_cli.district_errors import DistrictError
    from tongban_cli.district_join import introduce
    from tongban_cli.district_rotation import KINDS, standing, step

    folder, keep, now = _districts(args)[args.code], _kept(args), _now()
    if not args.kind:
        for kind, said, following in standing(keep):
            print(f"{kind:<13} {said:<22} next: {following}")
        return 0
    if args.kind not in KINDS:
        raise DistrictError("no_kind", f"{args.kind} is no kind of key: {', '.join(KINDS)}")
    done = step(keep, args.code, args.kind, args.step, now, early=args.early)
    if done.shown:
        bundle, _ = introduce(folder, keep, now)
        print(f"{folder.join} shows it; its fingerprint:\n  {bundle.fingerprint}")
    print(f"{args.kind}: {args.step} done. Next: " + done.next[args.step].format(code=args.code, join=folder.join))
    return 0
