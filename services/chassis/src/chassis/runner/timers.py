"""`@every`: work that a service does by the clock."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import Any

import eventlet
from eventlet.event import Event
from nameko.extensions import Entrypoint, register_entrypoint

from chassis import telemetry
from chassis.green import spawn_apart
from chassis.telemetry.metrics import TIMER_RUNS

log = logging.getLogger(__name__)


class Every(Entrypoint):  # type: ignore[misc]  # nameko has no types
    """Timed work of a service; see `every`."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self._task: Any = None

    def start(self) -> None:
        self._task = spawn_apart(self._loop)

    def stop(self) -> None:
        if self._task is not None:
            self._task.kill()

    kill = stop

    def _loop(self) -> None:
        while True:
            began = time.monotonic()
            done: Event = Event()
            self.container.spawn_worker(self, (), {}, handle_result=functools.partial(self._finish, done))
            done.wait()
            eventlet.sleep(max(0.0, began + self.seconds - time.monotonic()))

    def _finish(self, done: Event, _: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        timer = f"{self.container.service_name}.{self.method_name}"
        TIMER_RUNS.labels(timer, "error" if exc_info else "ok").inc()
        done.send()
        return result, exc_info


def every(seconds: float) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Runs a method of the service class at its start and then every so many seconds, never beside itself.

    An error is logged and counted, and the next run comes all the same. A run of which nothing came leaves no span.
    """

    def register(handler: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(handler)
        def tick(service: Any) -> None:
            with telemetry.span(f"run {service.name}.{handler.__name__}", lazy=True):
                try:
                    handler(service)
                except (Exception, eventlet.Timeout) as error:
                    log.exception("timed work %s failed", handler.__name__)
                    raise RuntimeError(handler.__name__) from error

        register_entrypoint(tick, Every(seconds))
        return tick

    return register
