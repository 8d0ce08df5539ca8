"""What the handlers gave up on: a person looks at it, gives it back to them, or drops it with a reason.

    list     what each is and why it is here, never its content
    replay   home by the first rung of the ladder, after the cause was mended
    drop     for what can never be handled; a row in `parking_drops` and a log line stay behind

Each step ends with the ack in the parking queue, so an interrupted one leaves the message parked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import pika
import sqlalchemy as sa
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker

from chassis.clock import Clock, NewId
from chassis.database import Database, messaging_tables
from chassis.errors import Fault, Kind
from chassis.ladder import ATTEMPTS, FIRST_FAILED_AT, ORIGIN_QUEUE, REASON, cleaned, rung
from chassis.logs import get_logger
from chassis.outbox import ID, SOURCE, TYPE

log = get_logger(__name__)

REPLAYED = "tongban.replayed"
LONGEST_REASON = 500

_drops = messaging_tables(sa.MetaData()).parking_drops


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


def drop(
    amqp_url: str, service: str, *, id: str, queue: str = "", reason: str, write_down: Callable[[Parked, str], None]
) -> int:
    """Takes the parked message `id` away for good; returns how many there were (an interrupted replay leaves two).

    `queue` says which one is meant where several handlers gave up on the same event. `write_down` must have stored its
    trace before it returns: interrupted afterwards, the message is still parked and can be dropped again.
    Raises Fault `parking.reason_missing` (invalid), `parking.not_found` (not_found), `parking.ambiguous` (conflict).
    """
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise Fault("parking.reason_missing", Kind.INVALID, f"Say why, in 1 to {LONGEST_REASON} characters.")
    with _channel(amqp_url) as channel:
        found = [
            (row, tag)
            for row, tag in _all_parked(channel, service)
            if row.id == id and (not queue or row.origin_queue == queue)
        ]
        queues = sorted({row.origin_queue for row, _ in found})
        if not found:
            raise Fault(
                "parking.not_found", Kind.NOT_FOUND, "No parked message has this id; `parking list` shows them."
            )
        if len(queues) > 1:
            raise Fault("parking.ambiguous", Kind.CONFLICT, f"Say which with --queue: {', '.join(queues)}.")
        for row, tag in found:
            write_down(row, reason)
            channel.basic_ack(tag)
    return len(found)


def book_of_drops(database: Database, clock: Clock, new_id: NewId) -> Callable[[Parked, str], None]:
    """Writes down what is dropped: a row that stays, and a log line. Nothing of the message's body is in either."""

    def write_down(row: Parked, reason: str) -> None:
        values = {
            "id": new_id(),
            "message_id": row.id,
            "type": row.type,
            "source": row.source,
            "origin_queue": row.origin_queue,
            "parked_for": row.reason,
            "attempts": row.attempts,
            "first_failed_at": row.first_failed_at,
            "dropped_for": reason,
            "dropped_at": clock.now(),
        }
        with database.transaction() as connection:
            connection.execute(sa.insert(_drops), values)
        log.warning(
            "a parked message is dropped", dropped_for=reason, **{f"message_{k}": v for k, v in asdict(row).items()}
        )

    return write_down


def _all_parked(channel: BlockingChannel, service: str) -> Iterator[tuple[Parked, int]]:
    """Everything that is there now, unacked: whatever is not settled is back when the channel closes."""
    for _ in range(channel.queue_declare(_park(service), passive=True).method.message_count):
        method, properties, _body = channel.basic_get(_park(service))
        if method is None:
            return
        yield _parked(properties), method.delivery_tag


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
