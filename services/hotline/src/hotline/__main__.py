"""`python -m hotline`: the service."""

import chassis.green  # noqa: F401, I001  # eventlet patches the standard library before anything else is imported

import sys

from chassis.runner import main
from hotline.adapters.tables import SEALED
from hotline.service import HotlineService
from hotline.settings import Settings

sys.exit(main(HotlineService, Settings, sys.argv[1:], sealed=SEALED))
