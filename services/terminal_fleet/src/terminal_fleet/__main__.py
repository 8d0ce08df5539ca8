"""`python -m terminal_fleet`: the service."""

import chassis.green  # noqa: F401, I001  # eventlet patches the standard library before anything else is imported

import sys

from chassis.runner import main
from terminal_fleet.service import TerminalFleetService
from terminal_fleet.settings import Settings

sys.exit(main(TerminalFleetService, Settings, sys.argv[1:]))
