"""Runs one service as one process, and its other commands; also the timers that a service may have.

    python -m catalogue [run]               serves until SIGTERM, then drains
    python -m catalogue migrate             brings the database to the head of its migrations
    python -m catalogue await-schema        ends once another process has brought the database there
    python -m catalogue parking list        what its handlers gave up on, with the reasons
    python -m catalogue parking replay      gives it back to the handlers, after the cause was mended
    python -m catalogue parking drop ID     gives up what can never be handled; needs --reason, which stays

A broker or a database that is away never ends the process: /readyz says so, and everything reconnects by itself.
"""

from chassis.runner.commands import Command, main
from chassis.runner.timers import Every, every

__all__ = ["Command", "Every", "every", "main"]
