"""`eval "$(tongban shell CODE)"`: a district's addresses and sample passwords as variables of the shell."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import Any

from tongban_cli.main import environment_of


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("shell", help="a district's addresses and sample passwords, for eval in a shell")
    parser.add_argument("district", metavar="CODE", help="a district that was brought up here")


def run(args: argparse.Namespace) -> int:
    """Prints `export` lines: PORTAL, GATEWAY, ISSUER, CURL_CA_BUNDLE, and <LOGIN>_PASSWORD of each sample account."""
    from tongban_local.environment import Environment

    try:
        place = Environment(environment_of(args))[args.district]
    except KeyError:
        print(
            f'tongban: {args.district} was not brought up here; `make up DISTRICTS="{args.district}"` does it',
            file=sys.stderr,
        )
        return 2
    values = {
        "PORTAL": place.portal,
        "GATEWAY": place.gateway,
        "ISSUER": place.issuer,
        "CURL_CA_BUNDLE": str(place.authority),
    }
    values |= {f"{login.upper()}_PASSWORD": password for login, password in place.district.secrets.people.items()}
    for name, value in values.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0
