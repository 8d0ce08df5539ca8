"""`python -m gateway`: the public API of one district, over HTTPS, until SIGTERM.

`python -m gateway openapi` describes it; `python -m gateway rules` says who may call what, as the README shows it.
"""

from __future__ import annotations

import json
import sys

from chassis.edge import run

from gateway.app import build, routed
from gateway.openapi import document
from gateway.rules import table
from gateway.settings import Settings


def openapi() -> int:
    """Writes the OpenAPI document, as services/gateway/openapi.json keeps it so that a change of the API is seen in review."""
    sys.stdout.write(json.dumps(document(routed()), ensure_ascii=False, indent=1) + "\n")
    return 0


def serve() -> int:
    """2 for wrong settings, each named on standard error; 0 after a clean stop."""
    return run(Settings, build)


def rules() -> int:
    """Writes the table of rules.py in Markdown."""
    sys.stdout.write(table() + "\n")
    return 0


sys.exit({"openapi": openapi, "rules": rules}.get(" ".join(sys.argv[1:]), serve)())
