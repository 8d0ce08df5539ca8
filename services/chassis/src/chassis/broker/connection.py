"""The connection itself; see the package."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from itertools import takewhile
from typing import Any
from uuid import uuid4

import eventlet
from eventlet.event import Event
from pika import BasicProperties, spec
from pika.channel import Channel
from pika.exceptions import AMQPError, ConnectionClosed, StreamLostError

from chassis.amqp import Address, GreenChannel, GreenConnection
from chassis.broker.backoff import STABLE_S, Backoff, reason_of
from chassis.broker.confirm import BrokerGone, Confirm, Outcome
from chassis.broker.consumer import Consumer, Message
from chassis.green import spawn_apart
from chassis.telemetry.metrics import BROKER_CONNECTED, BROKER_RECONNECTS

log = logging.getLogger(__name__)

#: How long to leave to whoever notes that a channel has closed.
UNNOTED_S = 0.01


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
        as connected, on a channel of its own; when that ends, so does the connection. `on_return` gets the properties of
        what was mandatory and unroutable, `on_lost` the reason whenever the connection or the publishing channel ends;
        neither may block.
        """
        self.purpose = purpose
        self.address = Address.parse(url, purpose)
        self._confirms, self._prepare, self._on_return, self._on_lost = confirms, prepare, on_return, on_lost
        self._lost = False
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
        """Whether it is connected, after at most `timeout_s` seconds.

        Where it is not, others always have their turn: a channel is closed before this connection has noted it, and that note is
        one of those others.
        """
        with eventlet.Timeout(timeout_s, False):
            while not self.connected:
                self._ready.wait()
                if not self.connected:
                    eventlet.sleep(UNNOTED_S)
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
            consumer.end()
        if self._connection is not None:
            self._connection.end(timeout_s)
        if self._task is not None:
            self._task.kill()
        self._down(ConnectionClosed(200, "stopped"))

    def _open_channel(self) -> GreenChannel:
        channel = self._channel
        if channel is None or not channel.raw.is_open:
            raise BrokerGone("not connected")
        if self._connection is None or self._connection.congested:
            raise BrokerGone("the broker takes nothing now")
        return channel

    def wait_connection(self) -> GreenConnection:
        """The connection, as soon as there is one."""
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
                log.warning("no connection to the broker for %s: %s", self.purpose, reason_of(error))
                backoff.sleep()
                continue
            try:
                self._serve(connection, backoff)
            except AMQPError as error:
                log.warning("the connection to the broker for %s failed: %s", self.purpose, reason_of(error))
            finally:
                self._connection, self._connected = None, Event()
                connection.abort()
            if not self._stopping:
                BROKER_RECONNECTS.labels(self.purpose).inc()
                self._lost = True
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
                log.warning("the publishing channel of %s ended: %s", self.purpose, reason_of(reason))
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
        if self._lost:
            self._lost = False
            log.info("connected again to the broker for %s", self.purpose)

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
