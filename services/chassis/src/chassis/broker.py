"""One connection to the broker for one purpose: it comes back by itself, and whoever uses it never waits for it.

    link = BrokerConnection(settings.amqp_url, "relay", confirms=True)
    link.start()                                    # returns at once; connects, and reconnects for ever, in its greenlet
    link.consume("evt.hotline.on_x", handle, prefetch=20)
    confirm = link.publish_confirmed("hotline.events", "TicketProgressed", body, properties, mandatory=True)
    confirm.wait(10) is Outcome.CONFIRMED
    link.stop(timeout_s=5)

Every method may be called from any greenlet of the process's main thread, and none but `wait_*`, `cancel` and `stop`
switches: acks, answers and publishes go into the connection's buffer and out in one piece a turn. `on_message` runs in the
connection's own greenlet and must not block (put it in a queue, or spawn): while it waits, nothing is read.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from enum import StrEnum
from itertools import takewhile
from typing import Any
from uuid import uuid4

import eventlet
from eventlet import hubs
from eventlet.event import Event
from pika import BasicProperties, spec
from pika.channel import Channel
from pika.exceptions import AMQPError, ConnectionClosed, StreamLostError

from chassis.amqp import Address, GreenChannel, GreenConnection
from chassis.green import spawn_apart
from chassis.telemetry.metrics import BROKER_CONNECTED, BROKER_RECONNECTS

log = logging.getLogger(__name__)

FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.1, 10.0
#: What has lasted this long and then ends is opened again at once.
STABLE_S = 1.0
#: In place of a consumer's tag while the broker has not answered yet.
STARTING = "?"


class BrokerGone(Exception):
    """There is no broker to give a message to now: not connected, or it takes nothing (an alarm). Nothing was sent."""


class Outcome(StrEnum):
    """What became of a message published with a confirm."""

    CONFIRMED = "confirmed"
    #: Mandatory, and no queue is bound for it: the broker has thrown it away.
    UNROUTABLE = "unroutable"
    #: The broker could not take it (a queue's limit, reject-publish).
    NACKED = "nacked"
    #: The connection or channel ended first, or time was up: it may or may not have arrived.
    UNKNOWN = "unknown"


class Confirm:
    """The broker's word on one message, when it comes."""

    __slots__ = ("_arrived", "outcome")

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self._arrived: Event | None = None

    def wait(self, timeout_s: float) -> Outcome:
        """Blocks the greenlet until the outcome is known; UNKNOWN after `timeout_s` seconds."""
        if self.outcome is None:
            self._arrived = self._arrived or Event()
            with eventlet.Timeout(timeout_s, False):
                self._arrived.wait()
        return self.outcome or Outcome.UNKNOWN

    def settle(self, outcome: Outcome) -> None:
        """The first word counts: a returned message is confirmed afterwards all the same."""
        if self.outcome is None:
            self.outcome = outcome
            if self._arrived is not None:
                self._arrived.send()


class Message:
    """A message as delivered. Ack or nack it once, from any greenlet; after a reconnect both do nothing."""

    __slots__ = ("_channel", "_consumer", "_tag", "body", "exchange", "properties", "redelivered", "routing_key")

    def __init__(
        self, consumer: Consumer, channel: GreenChannel, method: Any, properties: BasicProperties, body: bytes
    ) -> None:
        self._consumer, self._channel, self._tag = consumer, channel, method.delivery_tag
        self.exchange: str = method.exchange
        self.routing_key: str = method.routing_key
        self.redelivered: bool = method.redelivered
        self.properties, self.body = properties, body

    @property
    def headers(self) -> dict[str, Any]:
        return self.properties.headers or {}

    def ack(self) -> None:
        """Done with it: the broker may forget it. Goes out with the others of this turn."""
        self._consumer._settle(self._channel, self._tag)

    def nack(self, *, requeue: bool) -> None:
        """Not done: back to the queue, or dead-lettered where the queue's policy says so."""
        self._consumer._refuse(self._channel, self._tag, requeue)


class Consumer:
    """Takes messages from one queue on its own channel, again after every loss. Made by `BrokerConnection.consume`."""

    def __init__(
        self,
        link: BrokerConnection,
        queue: str,
        on_message: Callable[[Message], None],
        prefetch: int,
        arguments: dict[str, Any],
    ) -> None:
        self._link, self.queue, self._on_message, self._prefetch, self._arguments = (
            link,
            queue,
            on_message,
            prefetch,
            arguments,
        )
        self._channel: GreenChannel | None = None
        self._tag = ""
        self._outstanding: dict[int, None] = {}
        self._done: set[int] = set()
        self._cancelled = False
        self._task = spawn_apart(self._keep)

    @property
    def active(self) -> bool:
        """Whether the broker delivers to it now."""
        return self._tag not in ("", STARTING)

    def cancel(self, timeout_s: float = 5.0) -> None:
        """Takes no more; what was delivered can still be acked. What arrives in between still goes to `on_message`."""
        self._cancelled = True
        channel, tag, self._tag = self._channel, self._tag, ""
        if channel is None or not tag:
            return
        if tag == STARTING:  # nothing to name yet: the whole channel goes, and what was delivered with it goes back
            channel.raw.close()
            return
        try:
            channel.ask("basic_cancel", timeout_s, consumer_tag=tag)
        except AMQPError as error:
            log.info("cancelling the consumer of %s: %s", self.queue, _reason(error))

    def _keep(self) -> None:
        backoff = Backoff()
        while not self._cancelled:
            connection = self._link._wait_connection()
            try:
                self._channel = channel = connection.open_channel()
                self._outstanding, self._done = {}, set()
                channel.ask("basic_qos", prefetch_count=self._prefetch)
                channel.close_when_cancelled()
                if self._cancelled:
                    return
                self._tag = STARTING  # deliveries may overtake the answer
                self._tag = channel.ask(
                    "basic_consume", queue=self.queue, on_message_callback=self._deliver, **self._arguments
                ).method.consumer_tag
                backoff.reset()
                error = channel.over.wait()
            except AMQPError as problem:
                error = problem
                if self._channel is not None and self._channel.raw.is_open:
                    self._channel.raw.close()
            self._channel, self._tag = None, ""
            if connection.is_open and not self._cancelled:
                log.warning("the consumer of %s ended: %s", self.queue, _reason(error))
            if not self._cancelled:
                backoff.sleep()

    def _deliver(self, _: Any, method: Any, properties: BasicProperties, body: bytes) -> None:
        assert self._channel is not None
        self._outstanding[method.delivery_tag] = None
        try:
            self._on_message(Message(self, self._channel, method, properties, body))
        except Exception:  # the connection must outlive a defect in what it delivers to
            log.exception("a message from %s could not be taken", self.queue)
            self._refuse(self._channel, method.delivery_tag, True)

    def _settle(self, channel: GreenChannel, tag: int) -> None:
        if channel is not self._channel or tag not in self._outstanding:
            return
        if not self._done:
            hubs.get_hub().schedule_call_global(0, self._ack_done)
        self._done.add(tag)

    def _refuse(self, channel: GreenChannel, tag: int, requeue: bool) -> None:
        if channel is self._channel and channel.raw.is_open and self._outstanding.pop(tag, self) is None:
            channel.raw.basic_nack(tag, requeue=requeue)

    def _ack_done(self) -> None:
        """Acks what this turn finished: the unbroken run from the oldest on with one frame, the others one by one."""
        channel, done, self._done = self._channel, self._done, set()
        if channel is None or not channel.raw.is_open:
            return
        run = 0
        for tag in self._outstanding:
            if tag not in done:
                break
            run = tag
        for tag in sorted(done):
            if self._outstanding.pop(tag, self) is None and tag > run:
                channel.raw.basic_ack(tag)
        if run:
            channel.raw.basic_ack(run, multiple=True)


class BrokerConnection:
    """See the module. `purpose` names it in logs, metrics and the broker's list of connections."""

    def __init__(
        self,
        url: str,
        purpose: str,
        *,
        confirms: bool = False,
        prepare: Callable[[GreenChannel], None] | None = None,
        on_return: Callable[[BasicProperties], None] | None = None,
        on_lost: Callable[[Exception], None] | None = None,
    ) -> None:
        """`confirms` puts its publishing channel into confirm mode. `prepare` runs on every new connection before it counts
        as connected, on a channel of its own; when that ends, so does the connection. `on_return` gets the properties of what was mandatory and
        unroutable, `on_lost` the reason whenever the connection or the publishing channel ends; neither may block.
        """
        self.purpose = purpose
        self.address = Address.parse(url, purpose)
        self._confirms, self._prepare, self._on_return, self._on_lost = confirms, prepare, on_return, on_lost
        self._connection: GreenConnection | None = None
        self._channel: GreenChannel | None = None
        self._connected: Event = Event()
        self._ready: Event = Event()
        self._published = 0
        self._pending: dict[int, tuple[str, Confirm]] = {}
        self._returnable: dict[str, Confirm] = {}
        self._consumers: list[Consumer] = []
        self._stopping = False
        self._task: Any = None

    def start(self) -> None:
        """Begins to connect; returns at once."""
        if self._task is None:
            BROKER_CONNECTED.labels(self.purpose).set(0)
            self._task = spawn_apart(self._run)

    @property
    def connected(self) -> bool:
        """Whether a message published now would go out."""
        return self._channel is not None and self._channel.raw.is_open

    @property
    def congested(self) -> bool:
        """Whether the broker takes nothing for now (an alarm), or does not keep up."""
        return self._connection is not None and self._connection.congested

    def wait_connected(self, timeout_s: float) -> bool:
        """Whether it is connected, after at most `timeout_s` seconds."""
        if not self.connected:
            with eventlet.Timeout(timeout_s, False):
                self._ready.wait()
        return self.connected

    def consume(
        self, queue: str, on_message: Callable[[Message], None], *, prefetch: int, auto_ack: bool = False
    ) -> Consumer:
        """Delivers what comes into `queue` to `on_message`, at most `prefetch` messages unacked at a time."""
        consumer = Consumer(self, queue, on_message, prefetch, {"auto_ack": auto_ack})
        self._consumers.append(consumer)
        return consumer

    def publish(
        self, exchange: str, routing_key: str, body: bytes, properties: BasicProperties, *, mandatory: bool = False
    ) -> None:
        """Sends and forgets. Raises BrokerGone when it cannot be sent now."""
        self._open_channel().raw.basic_publish(exchange, routing_key, body, properties, mandatory)
        self._published += 1  # in confirm mode the broker numbers, and confirms, these too

    def publish_urgently(self, exchange: str, routing_key: str, body: bytes, properties: BasicProperties) -> None:
        """Like `publish`, but also into the buffer of a broker that takes nothing now: answers to what it has delivered."""
        if not self.connected or self._channel is None:
            raise BrokerGone("not connected")
        self._channel.raw.basic_publish(exchange, routing_key, body, properties)
        self._published += 1

    def publish_aside(self, exchange: str, routing_key: str, body: bytes, properties: BasicProperties) -> None:
        """Like `publish`, on a channel of its own: when the broker refuses it, nothing else is lost with that channel."""
        self._open_channel()
        assert self._connection is not None

        def send(channel: Channel) -> None:
            channel.basic_publish(exchange, routing_key, body, properties)
            channel.close()

        self._connection.channel(on_open_callback=send)

    def publish_confirmed(
        self, exchange: str, routing_key: str, body: bytes, properties: BasicProperties, *, mandatory: bool = True
    ) -> Confirm:
        """Sends, and returns the broker's word to come; many may be under way. Raises BrokerGone when it cannot be sent now.

        A mandatory message needs a `message_id` to be known again when it comes back; it gets one where it has none.
        """
        if not self._confirms:
            raise ValueError(f"the connection {self.purpose} was made without confirms")
        if mandatory and not properties.message_id:
            properties.message_id = uuid4().hex
        self._open_channel().raw.basic_publish(exchange, routing_key, body, properties, mandatory)
        confirm = Confirm()
        self._published += 1
        self._pending[self._published] = properties.message_id or "", confirm
        if mandatory:
            self._returnable[properties.message_id] = confirm
        return confirm

    def stop(self, timeout_s: float = 5.0) -> None:
        """Sends what is buffered and closes; with the broker gone it ends after `timeout_s` seconds all the same."""
        self._stopping = True
        for consumer in self._consumers:
            consumer._cancelled = True
        if self._connection is not None:
            self._connection.end(timeout_s)
        for task in [self._task, *(consumer._task for consumer in self._consumers)]:
            if task is not None and task is not eventlet.getcurrent():
                task.kill()
        self._down(ConnectionClosed(200, "stopped"))

    def _open_channel(self) -> GreenChannel:
        channel = self._channel
        if channel is None or not channel.raw.is_open:
            raise BrokerGone("not connected")
        if self._connection is None or self._connection.congested:
            raise BrokerGone("the broker takes nothing now")
        return channel

    def _wait_connection(self) -> GreenConnection:
        while True:
            if self._connection is not None and self._connection.is_open:
                return self._connection
            self._connected.wait()
            eventlet.sleep(0)

    def _run(self) -> None:
        backoff = Backoff()
        while not self._stopping:
            try:
                connection = GreenConnection.open(self.address)
            except (OSError, AMQPError) as error:
                log.warning("no connection to the broker for %s: %s", self.purpose, _reason(error))
                backoff.sleep()
                continue
            try:
                self._serve(connection, backoff)
            except AMQPError as error:
                log.warning("the connection to the broker for %s failed: %s", self.purpose, _reason(error))
            finally:
                self._connection, self._connected = None, Event()
                connection.abort()
            if not self._stopping:
                BROKER_RECONNECTS.labels(self.purpose).inc()
                backoff.sleep()

    def _serve(self, connection: GreenConnection, backoff: Backoff) -> None:
        """Keeps a publishing channel open for as long as the connection lasts."""
        if self._prepare is not None:
            prepared = connection.open_channel()
            prepared.close_when_cancelled()
            self._prepare(prepared)
            prepared.raw.add_on_close_callback(
                lambda *_: connection.give_up(StreamLostError("what was prepared is gone"))
            )
        while connection.is_open and not self._stopping:
            channel = connection.open_channel()
            channel.raw.add_on_return_callback(self._returned)
            if self._confirms:
                channel.ask("confirm_delivery", ack_nack_callback=self._confirmed)
            self._up(connection, channel)
            since = time.monotonic()
            reason = channel.over.wait()
            self._down(reason)
            if not self._stopping:
                log.warning("the publishing channel of %s ended: %s", self.purpose, _reason(reason))
            if time.monotonic() - since > STABLE_S:
                backoff.reset()
            elif connection.is_open:
                backoff.sleep()

    def _up(self, connection: GreenConnection, channel: GreenChannel) -> None:
        self._published = 0
        self._channel = channel
        if self._connection is not connection:
            self._connection = connection
            self._connected.send()
        if not self._ready.ready():
            self._ready.send()
        BROKER_CONNECTED.labels(self.purpose).set(1)

    def _down(self, reason: Exception) -> None:
        self._channel, self._ready = None, Event()
        pending, self._pending, self._returnable = self._pending, {}, {}
        for _, confirm in pending.values():
            confirm.settle(Outcome.UNKNOWN)
        BROKER_CONNECTED.labels(self.purpose).set(0)
        if self._on_lost is not None:
            self._on_lost(reason)

    def _returned(self, _: Any, __: Any, properties: BasicProperties, ___: bytes) -> None:
        if confirm := self._returnable.get(properties.message_id or ""):
            confirm.settle(Outcome.UNROUTABLE)
        elif self._on_return is not None:
            self._on_return(properties)

    def _confirmed(self, frame: Any) -> None:
        outcome = Outcome.CONFIRMED if isinstance(frame.method, spec.Basic.Ack) else Outcome.NACKED
        last, tags = frame.method.delivery_tag, [frame.method.delivery_tag]
        if frame.method.multiple:
            tags = list(takewhile(lambda tag: tag <= last, self._pending))  # in the order they were published
        for tag in tags:
            message_id, confirm = self._pending.pop(tag, ("", None))
            self._returnable.pop(message_id, None)
            if confirm is not None:
                confirm.settle(outcome)


class Backoff:
    """Waits between attempts: twice as long each time up to a limit, by chance up to half of it shorter."""

    def __init__(self) -> None:
        self._next = FIRST_BACKOFF_S

    def reset(self) -> None:
        self._next = FIRST_BACKOFF_S

    def sleep(self) -> None:
        eventlet.sleep(self._next * random.uniform(0.5, 1.0))  # noqa: S311 -- spreads load, keeps no secret
        self._next = min(self._next * 2, LONGEST_BACKOFF_S)


def _reason(error: object) -> str:
    """What a lost connection says of itself, without the address, which holds a password."""
    return f"{type(error).__name__} {error}" if isinstance(error, AMQPError) else type(error).__name__
