"""What a web process does beside its requests: tasks that live as long as the application, and one for each of many others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

from chassis.errors import fault_of
from chassis.logs import get_logger

log = get_logger(__name__)

Work = Coroutine[Any, Any, None]


@asynccontextmanager
async def running(*work: Work) -> AsyncIterator[None]:
    """`work` goes on beside what is inside, and has ended when that has: it is cancelled, and waited for."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            await cancelled(task)


async def again(work: Callable[[], Awaitable[object]], pause_s: Callable[[], float] | float, failed: str) -> None:
    """Does `work` over and over, `pause_s` seconds between two rounds, until it is cancelled.

    An error ends its round and nothing else: `failed` is what the log says of it, with a fault's code, or with the trace of a defect.
    """
    while True:
        try:
            await work()
        except Exception as error:
            if (fault := fault_of(error)) is not None:
                log.warning(failed, code=fault.code)
            else:
                log.error(failed, exc_info=error)
        await asyncio.sleep(pause_s() if callable(pause_s) else pause_s)


async def cancelled(task: asyncio.Task[None]) -> None:
    """Ends once the task has. Raises what it failed with before."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class TaskEach:
    """A task for each of several others that something is done for, so that one who hangs keeps no other waiting.

    async with TaskEach(lane) as lanes:
        lanes.begin(["310101", "330102"])    # those that have one under way go on with it
    """

    def __init__(self, lane: Callable[[str], Work]) -> None:
        """`lane`: what is done for one of them; it has to keep its errors to itself."""
        self._lane = lane
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def begin(self, others: Iterable[str]) -> None:
        self._tasks = {name: task for name, task in self._tasks.items() if not task.done()}
        for name in set(others) - self._tasks.keys():
            self._tasks[name] = asyncio.create_task(self._lane(name))
