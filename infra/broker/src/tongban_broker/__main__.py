"""`python -m tongban_broker merge DEFINITIONS OUT`: puts the hashes of the services' passwords into a district's definitions.
`python -m tongban_broker apply DEFINITIONS`: the same, and gives them to a running broker over its management API.

The passwords stand in the folder TONGBAN_BROKER_PASSWORDS (a mounted Secret), one file a user. `apply` reads the API's
address from TONGBAN_MANAGEMENT_URL (https://host:15671) and its administrator from TONGBAN_MANAGEMENT_USER and
TONGBAN_MANAGEMENT_PASSWORD; TONGBAN_MANAGEMENT_CA names the authority of its certificate.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tongban_broker.secretless import NoPassword, with_passwords

_LOOK_AGAIN_S = 2.0


class NotTaken(Exception):
    """The broker did not take the definitions; says why."""


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """0 done, 1 the broker did not take them, 2 asked for wrongly."""
    args = _parser().parse_args(argv)
    try:
        folder = Path(environ["TONGBAN_BROKER_PASSWORDS"])
        made = with_passwords(json.loads(args.definitions.read_text()), lambda user: _read(folder / user))
        if args.command == "merge":
            _write(args.out, made)
        else:
            apply(made, environ, args.wait)
    except KeyError as error:
        print(f"{error.args[0]}: is not set", file=sys.stderr)
        return 2
    except (NoPassword, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except NotTaken as error:
        print(error, file=sys.stderr)
        return 1
    counts = ", ".join(f"{len(rows)} {kind.replace('_', ' ')}" for kind, rows in made.items() if rows)
    print(f"{'written' if args.command == 'merge' else 'taken by the broker'}: {counts}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tongban_broker", description="A district's broker and its secrets."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    merge = commands.add_parser("merge", help="write the definitions that a node loads at its start")
    apply_ = commands.add_parser("apply", help="give the definitions to a running broker")
    for command in (merge, apply_):
        command.add_argument("definitions", type=Path)
    merge.add_argument("out", type=Path)
    apply_.add_argument("--wait", type=float, default=300.0, metavar="S", help="seconds the broker may take to answer")
    return parser


def _read(path: Path) -> str | None:
    return path.read_text().strip() if path.is_file() else None


def _write(path: Path, made: Mapping[str, Any]) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(made, indent=1, sort_keys=True))


def apply(made: Mapping[str, Any], environ: Mapping[str, str], wait_s: float) -> None:
    """Raises NotTaken. What the definitions do not name stays as it is: RabbitMQ's import only adds and changes."""
    url = environ["TONGBAN_MANAGEMENT_URL"].rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise NotTaken("TONGBAN_MANAGEMENT_URL: must be an http or https address")
    login = f"{environ['TONGBAN_MANAGEMENT_USER']}:{environ['TONGBAN_MANAGEMENT_PASSWORD']}"
    authority = environ.get("TONGBAN_MANAGEMENT_CA")
    context = ssl.create_default_context(cafile=authority or None) if url.startswith("https://") else None
    headers = {
        "Authorization": f"Basic {base64.b64encode(login.encode()).decode()}",
        "Content-Type": "application/json",
    }
    request = urllib.request.Request(f"{url}/api/definitions", json.dumps(made).encode(), headers, method="POST")  # noqa: S310
    until = time.monotonic() + wait_s
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30, context=context):  # noqa: S310  http or https, as checked
                return
        except urllib.error.HTTPError as error:
            said = error.read(500).decode(errors="replace")
            if error.code < 500 or time.monotonic() >= until:
                raise NotTaken(f"the broker answered {error.code}: {said}") from None
        except OSError as error:
            if time.monotonic() >= until:
                raise NotTaken(f"the broker did not answer for {wait_s:g} s: {error}") from None
        time.sleep(_LOOK_AGAIN_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
