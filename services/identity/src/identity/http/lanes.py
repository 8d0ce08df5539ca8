"""Slows guessing of passwords without locking anybody out.

Attempts at one name from one address share a lane. A lane lets `WIDTH` through at a time, and every failure keeps its place
occupied a little longer than the one before: from 50 ms, over half a second after 200 failures, to 2 s. A right
password waits for its turn and for nothing else; from another address it does not even wait for that. Nothing is ever
closed: whoever floods a name slows down themself. Names are kept as hashes, whether anybody has them or not.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from chassis.errors import Fault, Kind
from starlette.concurrency import run_in_threadpool

WIDTH = 4
FIRST_DELAY_S, GROWTH, LONGEST_DELAY_S = 0.05, 1.012, 2.0
#: Attempts that may wait in one lane; beyond it somebody is told to come back, and no password is looked at.
LONGEST_QUEUE = 400
#: Seconds without a failure after which half of them are forgotten.
HALF_LIFE_S = 600.0
_LANES = 20_000

T = TypeVar("T")


def delay_after(failures: int) -> float:
    """Seconds for which the failure number `failures`, counted from 0, occupies its place."""
    return float(min(LONGEST_DELAY_S, FIRST_DELAY_S * GROWTH ** min(failures, 1000)))


@dataclass
class _Lane:
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(WIDTH))
    waiting: int = 0
    failures: float = 0.0
    failed_at: float = 0.0


class Lanes:
    """The lanes of one web process, and the few verifications that run at a time over all of them."""

    def __init__(self, verifications: int, now: Callable[[], float] = time.monotonic) -> None:
        self._gate = asyncio.Semaphore(verifications)
        self._lanes: OrderedDict[str, _Lane] = OrderedDict()
        self._now = now

    async def verify(self, name: str, address: str, check: Callable[[], bool]) -> bool:
        """What `check` says, run in a thread when its turn comes. Raises Fault `identity.too_many_attempts`."""
        lane = self._lane(hashlib.sha256(f"{address}\x1f{name}".encode()).hexdigest())
        if lane.waiting >= LONGEST_QUEUE:
            raise Fault(
                "identity.too_many_attempts",
                Kind.RATE_LIMITED,
                "Too many attempts wait already; try again in a moment.",
            )
        lane.waiting += 1
        try:
            async with lane.places:
                async with self._gate:
                    right = await run_in_threadpool(check)
                if not right:
                    await asyncio.sleep(self._failed(lane))
                return right
        finally:
            lane.waiting -= 1

    def _lane(self, key: str) -> _Lane:
        lane = self._lanes.setdefault(key, _Lane())
        self._lanes.move_to_end(key)
        if len(self._lanes) > _LANES:
            oldest = next(iter(self._lanes))
            if self._lanes[oldest].waiting == 0:
                del self._lanes[oldest]
            else:
                self._lanes.move_to_end(oldest)
        return lane

    def _failed(self, lane: _Lane) -> float:
        """Counts one more failure; how long it occupies its place."""
        now = self._now()
        if lane.failures:
            lane.failures *= 0.5 ** ((now - lane.failed_at) / HALF_LIFE_S)
        delay = delay_after(int(lane.failures))
        lane.failures, lane.failed_at = lane.failures + 1, now
        return delay
