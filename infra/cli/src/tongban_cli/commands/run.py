"""`tongban run CODE SERVICE [ARG …]`: a command of one service with that district's settings (migrate, parking list, …)."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from tongban_cli.main import environment_of


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("run", help="a command of one service, with its district's settings")
    parser.add_argument("district", metavar="CODE")
    parser.add_argument("service", metavar="SERVICE")
    parser.add_argument("verb", metavar="COMMAND", help="migrate, parking, or a command of the service's own")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARG")


def run(args: argparse.Namespace) -> int:
    import subprocess

    from tongban_local.account import popen_identity
    from tongban_local.checkout import code
    from tongban_local.districts import chosen
    from tongban_local.environment import Environment
    from tongban_local.programs import BUS_SERVICES, service_environ

    if args.service not in BUS_SERVICES:
        print(f"tongban: {args.service} is no service; there are {', '.join(BUS_SERVICES)}", file=sys.stderr)
        return 2
    chosen([args.district])  # names a wrong code before a missing one
    place = Environment(environment_of(args))[args.district]
    argv = [str(code().python), "-m", args.service, args.verb, *args.arguments]
    environ = service_environ(place, args.service)
    return subprocess.run(argv, env=environ, cwd=place.folder, check=False, **popen_identity()).returncode
