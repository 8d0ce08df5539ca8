"""How long to wait before the next attempt, and what to say of the one that failed."""

from __future__ import annotations

import random

import eventlet
from pika.exceptions import AMQPError

FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.1, 10.0
#: What has lasted this long and then ends is opened again at once.
STABLE_S = 1.0


class Backoff:
    """Waits between attempts: twice as long each time up to a limit, by chance up to half of it shorter."""

    def __init__(self) -> None:
        self._next = FIRST_BACKOFF_S

    def reset(self) -> None:
        self._next = FIRST_BACKOFF_S

    def sleep(self) -> None:
        eventlet.sleep(self._next * random.uniform(0.5, 1.0))  # noqa: S311 -- spreads load, keeps no secret
        self._next = min(self._next * 2, LONGEST_BACKOFF_S)


def reason_of(error: object) -> str:
    """What a lost connection says of itself, without the address, which holds a password."""
    return f"{type(error).__name__} {error}" if isinstance(error, AMQPError) else type(error).__name__
