"""Deletes what messaging need not remember any longer, beside the work and in small steps."""

from __future__ import annotations

import logging
from typing import Any

import eventlet

from chassis.database import Retention
from chassis.database.retention import BATCH
from chassis.green import spawn_apart
from chassis.process import Process
from chassis.telemetry.metrics import ROWS_FORGOTTEN

log = logging.getLogger(__name__)

EVERY_S = 60.0
#: Between two batches while there is more.
PAUSE_S = 0.5


class Housekeeping:
    """One greenlet a process; several processes of a service share the work without knowing of each other."""

    def __init__(self, process: Process) -> None:
        settings = process.settings
        self._process = process
        self._retention = Retention(settings.inbox_keep_days, settings.once_keep_days)
        self._task: Any = None

    def start(self) -> None:
        self._task = spawn_apart(self._run)

    def stop(self) -> None:
        """At once: a batch under way is rolled back."""
        if self._task is not None:
            self._task.kill()

    def _run(self) -> None:
        while True:
            eventlet.sleep(PAUSE_S if self._step() else EVERY_S)

    def _step(self) -> bool:
        """One batch of each table; whether there is more."""
        try:
            forgotten = self._retention.forget(self._process.database, self._process.clock.now())
        except Exception as error:  # a database that is away, most likely; its message may hold a URL
            log.warning("nothing could be forgotten this time: %s", type(error).__name__)
            return False
        for table, rows in forgotten.items():
            ROWS_FORGOTTEN.labels(table).inc(rows)
        return BATCH in forgotten.values()
