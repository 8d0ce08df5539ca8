"""`tongban compose prepare`: what infra/local/compose.yaml mounts and tells its containers; nothing of it is in git."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "compose", help="two districts as containers: settings, keys and certificates for them"
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    prepare = verbs.add_parser("prepare", help="writes them; again: what was made stays")
    prepare.add_argument("--folder", type=Path, metavar="DIR", help="where (build/compose)")


def run(args: argparse.Namespace) -> int:
    """0 written, 1 not possible here."""
    from datetime import UTC, datetime

    from tongban_local.checkout import BUILD
    from tongban_local.districts import DEFAULT

    from tongban_cli.compose_files import passwords_of_people, prepare
    from tongban_cli.district_errors import DistrictError

    folder = args.folder or BUILD / "compose"
    try:
        places = prepare(folder, DEFAULT, datetime.now(UTC).replace(microsecond=0))
    except DistrictError as error:
        print(f"tongban: {error}", file=sys.stderr)
        return 1
    for place in places:
        print(f"{place.code} {place.facts.name_zh} {place.facts.name_en}")
        print(f"  pages     {place.portal}")
        print(f"  sign-in   {place.issuer}/sign-in")
        print(f"  API       {place.gateway}")
        print(f"  authority {place.folder / 'files' / 'gateway' / 'authority' / 'ca.crt'}")
        print(f"  {len(passwords_of_people(place))} sample accounts, passwords in {place.keep.folder / 'people.json'}")
    print(f"docker compose -p tongban --env-file {folder / 'compose.env'} -f infra/local/compose.yaml up --detach")
    return 0
