"""How often somebody may ask: token buckets by key, in this process."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from chassis.errors import Fault, Kind


class Rates:
    """Token buckets by key: `per_second` on average, `burst` at once. Remembers the last `keys` keys."""

    def __init__(
        self, per_second: float, burst: float, *, keys: int = 10_000, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._keys, self._now = per_second, burst, keys, now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> None:
        """Takes one. Raises Fault `request.too_many` that says when there will be one again."""
        now = self._now()
        left, at = self._buckets.pop(key, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._rate)
        self._buckets[key] = (left - 1 if left >= 1 else left, now)
        if len(self._buckets) > self._keys:
            self._buckets.popitem(last=False)
        if left < 1:
            raise too_many(max(1, round((1 - left) / self._rate)))


def too_many(wait_s: int) -> Fault:
    """Fault `request.too_many`: there may be room again in `wait_s` seconds."""
    message = "Too many requests; wait and try again."
    return Fault("request.too_many", Kind.RATE_LIMITED, message, {"retry_after_s": str(wait_s)})
