"""What happens to a message whose handler failed: a ladder of delays, then the parking queue (parking.py).

    a defect, a rule      one rung after the other (1 s, 10 s, 1 min, 10 min), then parked with its reason and count
    unreadable, unknown   parked at once: another try would read the same octets
    something is away     up the ladder too, but then again and again on the last rung; nothing is wrong with the message and
                          nobody could mend it by hand, so it is parked only after `PATIENCE`, when the outbox that it came
                          from forgets it as well
    our own database away not on the ladder at all: the handler waits and tries again in place (subscriber.py)

A rung is an exchange and a queue `retry.<seconds>s` whose policy lets messages expire into the default exchange; their
routing key is the queue they came from. Every step is confirmed before the message is acked where it was: a crash in between
leaves two copies, and the inbox makes them one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chassis.errors import Kind, fault_of
from chassis.outbox import rfc3339

PARKING = "parking"

ATTEMPTS = "tongban.attempts"
FIRST_FAILED_AT = "tongban.first_failed_at"
REASON = "tongban.reason"
ORIGIN_QUEUE = "tongban.origin_queue"
_OWN = (ATTEMPTS, FIRST_FAILED_AT, REASON, ORIGIN_QUEUE)

#: How long a message waits for something that is away.
PATIENCE = timedelta(days=7)
_AWAY = frozenset({Kind.UNAVAILABLE, Kind.DEADLINE, Kind.RATE_LIMITED})


class Poison(Exception):
    """A message that no try can handle; `reason` is a stable code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Step:
    """Where a message goes next and what its headers say then."""

    exchange: str
    routing_key: str
    headers: dict[str, Any]

    @property
    def parks(self) -> bool:
        return self.exchange == PARKING


def rung(seconds: str) -> str:
    """The exchange, and the queue, of one delay."""
    return f"retry.{seconds}s"


def reason_of(error: BaseException) -> str:
    """A stable code for what went wrong; never the message, which may name somebody."""
    if isinstance(error, Poison):
        return error.reason
    fault = fault_of(error)
    return fault.code if fault is not None else f"defect.{type(error).__name__}"


def next_step(
    error: BaseException, headers: Mapping[str, Any], *, queue: str, service: str, rungs: Sequence[str], now: datetime
) -> Step:
    """What becomes of a message from `queue` after `error`; `headers` are those that it came with."""
    failures = _count(headers) + 1
    first = _first_failure(headers, now)
    told = {
        **cleaned(headers),
        ATTEMPTS: failures,
        FIRST_FAILED_AT: rfc3339(first),
        REASON: reason_of(error),
    }
    fault = fault_of(error)
    is_away = fault is not None and fault.kind in _AWAY
    tries_left = now - first < PATIENCE if is_away else failures <= len(rungs)
    if isinstance(error, Poison) or not tries_left:
        return Step(PARKING, service, {**told, ORIGIN_QUEUE: queue})
    return Step(rung(rungs[min(failures, len(rungs)) - 1]), queue, told)


def cleaned(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Headers to publish again: without what this ladder and the broker's dead-lettering wrote on the way."""
    return {name: value for name, value in headers.items() if name not in _OWN and not name.startswith("x-")}


def _count(headers: Mapping[str, Any]) -> int:
    count = headers.get(ATTEMPTS, 0)
    return count if isinstance(count, int) and count >= 0 else 0


def _first_failure(headers: Mapping[str, Any], now: datetime) -> datetime:
    try:
        return min(now, datetime.fromisoformat(headers[FIRST_FAILED_AT]))
    except (KeyError, TypeError, ValueError):
        return now
