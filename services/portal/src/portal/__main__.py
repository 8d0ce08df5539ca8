"""`python -m portal`: the web pages of one district, over HTTPS, until SIGTERM; `migrate`, `await-schema` and `reseal` for its database."""

from __future__ import annotations

import sys

from chassis import resealing
from chassis.database import commands
from chassis.edge import run

from portal.adapters.tables import SEALED
from portal.app import build
from portal.settings import Settings

if sys.argv[1:2] == ["reseal"]:
    sys.exit(resealing.main("portal", SEALED, sys.argv[2:]))
sys.exit(commands.main("portal", sys.argv[1:]) if sys.argv[1:] else run(Settings, build))
