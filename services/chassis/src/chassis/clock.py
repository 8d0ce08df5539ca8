"""Time and identifiers as parameters: nothing else in the project asks the operating system for either."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from uuid6 import uuid7

#: Makes identifiers that sort by the time they were made (UUID version 7, RFC 9562 section 5.7).
NewId = Callable[[], UUID]


class Clock(Protocol):
    """The current time; always aware, always UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class FixedClock:
    """A clock that stands still until it is moved; for tests of everything that waits or expires."""

    at: datetime = field(default_factory=lambda: datetime(2026, 11, 23, 1, 0, tzinfo=UTC))

    def now(self) -> datetime:
        return self.at

    def advance(self, **duration: float) -> datetime:
        """Moves on by a `timedelta` given in its keywords and returns the new time."""
        self.at += timedelta(**duration)
        return self.at


def new_id() -> UUID:
    """A fresh UUIDv7 from the machine's clock and randomness."""
    return uuid7()


def unix_ms(moment: datetime) -> int:
    """Milliseconds since 1970-01-01T00:00:00Z, as deadlines travel on the bus."""
    return int(moment.timestamp() * 1000)


def from_unix_ms(value: int) -> datetime:
    """The moment that `unix_ms` wrote."""
    return datetime.fromtimestamp(value / 1000, UTC)
