"""`python -m portal`: the web pages of one district, over HTTPS, until SIGTERM; `migrate` and `await-schema` for its database."""

from __future__ import annotations

import sys

from chassis.database import commands
from chassis.edge import run

from portal.app import build
from portal.settings import Settings

sys.exit(commands.main("portal", sys.argv[1:]) if sys.argv[1:] else run(Settings, build))
