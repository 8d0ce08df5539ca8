"""`python -m identity.http`: signing in and tokens of one district, over HTTPS, until SIGTERM."""

from __future__ import annotations

import os
import sys

from chassis import logs, telemetry
from chassis.clock import SystemClock, new_id
from chassis.edge import serve
from chassis.settings import SettingsError, read_settings

from identity.domain.errors import InvalidParty
from identity.http.app import build
from identity.http.parts import build as build_parts
from identity.http.settings import HttpSettings


def main() -> int:
    """2 for wrong settings, each named on standard error; 0 after a clean stop."""
    try:
        settings = read_settings(HttpSettings, os.environ)
        parts = build_parts(settings, SystemClock(), new_id)
    except (SettingsError, InvalidParty, ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    logs.configure(settings.service_name, settings.district)
    telemetry.configure(settings.service_name, settings.district, settings.otlp_endpoint)
    app = build(parts)
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


sys.exit(main())
