"""`python -m portal`: the web pages of one district, over HTTPS, until SIGTERM; `migrate` and `await-schema` for its database."""

from __future__ import annotations

import os
import sys

from chassis import logs, telemetry
from chassis.clock import SystemClock, new_id
from chassis.database import commands
from chassis.edge import serve
from chassis.settings import SettingsError, read_settings

from portal.app import build
from portal.settings import Settings


def main() -> int:
    """2 for wrong settings, each named on standard error; 0 after a clean stop."""
    try:
        settings = read_settings(Settings, os.environ)
        app = build(settings, SystemClock(), new_id)
    except (SettingsError, ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    logs.configure(settings.service_name, settings.district)
    telemetry.configure(settings.service_name, settings.district, settings.otlp_endpoint)
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


sys.exit(commands.main("portal", sys.argv[1:]) if sys.argv[1:] else main())
