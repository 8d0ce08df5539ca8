"""What happens to a message whose handler failed: a ladder of delays, then the parking queue, from where a person replays it.

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

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker

from chassis.errors import Kind, fault_of
from chassis.outbox import ID, SOURCE, TYPE, rfc3339

PARKING = "parking"

ATTEMPTS = "tongban.attempts"
FIRST_FAILED_AT = "tongban.first_failed_at"
REASON = "tongban.reason"
ORIGIN_QUEUE = "tongban.origin_queue"
REPLAYED = "tongban.replayed"
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


# What is parked, and how it comes back ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parked:
    """A parked message as an operator sees it: what it is and why it is here, never its content."""

    id: str
    type: str
    source: str
    origin_queue: str
    reason: str
    attempts: int
    first_failed_at: str


@dataclass(frozen=True)
class Replayed:
    """What a replay did: how many went back, and ids that stay parked because their queue does not exist."""

    moved: int
    stranded: tuple[str, ...] = ()


def list_parked(amqp_url: str, service: str, *, limit: int = 1000) -> list[Parked]:
    """What is parked for `service`, oldest first; looking takes nothing away."""
    with _channel(amqp_url) as channel:
        found: list[Parked] = []
        while len(found) < limit:
            method, properties, _ = channel.basic_get(_park(service))
            if method is None:
                break
            found.append(_parked(properties))
        return found  # closing the channel gives them all back


def replay(amqp_url: str, service: str, *, first_rung: str, ids: Collection[str] = ()) -> Replayed:
    """Sends parked messages (all that are there now, or those with `ids`) back to the queues they came from.

    Each is confirmed on the first rung of the ladder, which brings it home, and only then taken out of parking. Interrupted,
    it leaves at most one message in both places, and the inbox makes it once. What fails again is parked anew.
    """
    moved, stranded, left = 0, [], []
    with _channel(amqp_url) as channel:
        for _ in range(channel.queue_declare(_park(service), passive=True).method.message_count):
            method, properties, body = channel.basic_get(_park(service))
            if method is None:
                break
            row = _parked(properties)
            if ids and row.id not in ids:
                left.append(method.delivery_tag)  # kept unacked, so that the next get finds the one behind it
            elif not _exists(amqp_url, row.origin_queue):
                stranded.append(row.id)
                left.append(method.delivery_tag)
            else:
                _prepare(properties, amqp_url)
                # Raises unless it is confirmed.
                channel.basic_publish(rung(first_rung), row.origin_queue, body, properties, mandatory=True)
                channel.basic_ack(method.delivery_tag)
                moved += 1
    return Replayed(moved, tuple(stranded))


def _prepare(properties: Any, amqp_url: str) -> None:
    """Turns the properties that a message was parked with into those it goes home with."""
    properties.headers = cleaned(properties.headers or {})
    properties.headers[REPLAYED] = _whole(properties.headers.get(REPLAYED)) + 1
    properties.user_id = getattr(pika.URLParameters(amqp_url).credentials, "username", None)
    properties.delivery_mode = 2


def _parked(properties: Any) -> Parked:
    headers = properties.headers or {}
    deaths = headers.get("x-death") or [{}]
    # Without our headers the broker itself parked it, after too many deliveries that ended with their process.
    death = deaths[0] if isinstance(deaths, list) and isinstance(deaths[0], dict) else {}
    return Parked(
        id=_text(headers.get(ID) or properties.message_id),
        type=_text(headers.get(TYPE) or properties.type),
        source=_text(headers.get(SOURCE)),
        origin_queue=_text(headers.get(ORIGIN_QUEUE) or death.get("queue")),
        reason=_text(headers.get(REASON) or death.get("reason") or "unknown"),
        attempts=_whole(headers.get(ATTEMPTS)),
        first_failed_at=_text(headers.get(FIRST_FAILED_AT) or death.get("time")),
    )


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value or "")


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _park(service: str) -> str:
    return f"park.{service}"


@contextmanager
def _channel(amqp_url: str) -> Iterator[BlockingChannel]:
    parameters = pika.URLParameters(amqp_url)
    parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = 10
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        channel.confirm_delivery()
        yield channel
    finally:
        if connection.is_open:
            connection.close()


def _exists(amqp_url: str, queue: str) -> bool:
    """Whether there is such a queue; a passive declare needs no right, and closes its channel when there is none."""
    if not queue:
        return False
    with _channel(amqp_url) as channel:
        try:
            channel.queue_declare(queue, passive=True)
        except ChannelClosedByBroker:
            return False
    return True
