"""`python -m notification`: the service."""

import chassis.green  # noqa: F401, I001  # eventlet patches the standard library before anything else is imported

import sys

from chassis.runner import main
from notification.service import NotificationService
from notification.settings import Settings

sys.exit(main(NotificationService, Settings, sys.argv[1:]))
