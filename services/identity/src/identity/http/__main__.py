"""`python -m identity.http`: signing in and tokens of one district, over HTTPS, until SIGTERM."""

from __future__ import annotations

import sys

from chassis.clock import Clock, NewId
from chassis.edge import run
from starlette.applications import Starlette

from identity.http import app, parts
from identity.http.settings import HttpSettings


def build(settings: HttpSettings, clock: Clock, new_id: NewId) -> Starlette:
    """Raises ValueError where the signing keys are none, InvalidParty."""
    return app.build(parts.build(settings, clock, new_id))


sys.exit(run(HttpSettings, build))
