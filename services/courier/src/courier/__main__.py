"""`python -m courier`: the service; beside it `new-epoch`, `install-registry`, `install-agreement`, `show-registry`, `evidence`."""

import chassis.green  # noqa: F401, I001  # eventlet patches the standard library before anything else is imported

import sys

from chassis.runner import main
from courier.commands import COMMANDS
from courier.service import CourierService
from courier.settings import Settings

sys.exit(main(CourierService, Settings, sys.argv[1:], COMMANDS))
