"""`python -m case_routing`: the service."""

import chassis.green  # noqa: F401, I001  # eventlet patches the standard library before anything else is imported

import sys

from case_routing.adapters.tables import SEALED
from case_routing.service import CaseRoutingService
from case_routing.settings import Settings
from chassis.runner import main

sys.exit(main(CaseRoutingService, Settings, sys.argv[1:], sealed=SEALED))
