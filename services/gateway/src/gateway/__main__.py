"""`python -m gateway`: the public API of one district, over HTTPS, until SIGTERM.

`python -m gateway openapi` describes it; `python -m gateway rules` says who may call what, as the README shows it.
"""

from __future__ import annotations

import json
import os
import sys

from chassis import logs, telemetry
from chassis.clock import SystemClock, new_id
from chassis.edge import serve
from chassis.settings import SettingsError, read_settings

from gateway.app import build, routed
from gateway.openapi import document
from gateway.rules import table
from gateway.settings import Settings


def openapi() -> int:
    """Writes the OpenAPI document, as services/gateway/openapi.json keeps it so that a change of the API is seen in review."""
    sys.stdout.write(json.dumps(document(routed()), ensure_ascii=False, indent=1) + "\n")
    return 0


def main() -> int:
    try:
        settings = read_settings(Settings, os.environ)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    logs.configure(settings.service_name, settings.district)
    telemetry.configure(settings.service_name, settings.district, settings.otlp_endpoint)
    app = build(settings, SystemClock(), new_id)
    try:
        serve(
            app,
            address=settings.listen_address,
            certificate=settings.tls_certificate,
            key=settings.tls_key,
            health_address=settings.health_address,
            checks=app.state.checks,
        )
    finally:
        telemetry.flush()
    return 0


def rules() -> int:
    """Writes the table of rules.py in Markdown."""
    sys.stdout.write(table() + "\n")
    return 0


sys.exit({"openapi": openapi, "rules": rules}.get(" ".join(sys.argv[1:]), main)())
