"""Finds the subcommands: each module in `commands/` is one, with `register(subparsers)` and `run(args) -> int`."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tongban_cli import commands


def parser() -> argparse.ArgumentParser:
    """The whole command line; `--env` stands before the subcommand."""
    top = argparse.ArgumentParser(prog="tongban", description="Runs districts, and looks into them.")
    told = os.environ.get("TONGBAN_ENV")
    top.add_argument(
        "--env",
        type=Path,
        default=Path(told) if told else None,
        metavar="DIR",
        help="the environment's folder (default: $TONGBAN_ENV, or build/local)",
    )
    subparsers = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in sorted(pkgutil.iter_modules(commands.__path__), key=lambda found: found.name):
        command = importlib.import_module(f"{commands.__name__}.{module.name}")
        before = set(subparsers.choices)
        command.register(subparsers)
        for name in set(subparsers.choices) - before:
            subparsers.choices[name].set_defaults(run=command.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0 done, 1 it could not be done, 2 it was asked for wrongly."""
    from tongban_local.districts import UnknownDistrict
    from tongban_local.processes import NotReady

    args = parser().parse_args(argv)
    try:
        return int(args.run(args) or 0)
    except UnknownDistrict as error:
        print(f"tongban: {error}", file=sys.stderr)
        return 2
    except NotReady as error:
        print(f"tongban: {error}", file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"tongban: {error.filename} belongs to somebody else: run this as whoever ran `make up`", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def environment_of(args: argparse.Namespace) -> Path:
    """The folder that `--env` names, or the one of `make up`."""
    from tongban_local.environment import default_folder

    return args.env or default_folder()
