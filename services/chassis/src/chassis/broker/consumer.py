"""Messages as they arrive, and what takes them from a queue again after every loss."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

from eventlet import hubs
from pika import BasicProperties
from pika.exceptions import AMQPError

from chassis.amqp import GreenChannel, GreenConnection
from chassis.broker.backoff import Backoff, reason_of
from chassis.green import spawn_apart

log = logging.getLogger(__name__)

#: In place of a consumer's tag while the broker has not answered yet.
STARTING = "?"


class Link(Protocol):
    """Where a consumer gets a connection from."""

    def wait_connection(self) -> GreenConnection: ...


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
        link: Link,
        queue: str,
        on_message: Callable[[Message], None],
        prefetch: int,
        arguments: dict[str, Any],
    ) -> None:
        self._link, self._on_message = link, on_message
        self.queue, self._prefetch, self._arguments = queue, prefetch, arguments
        self._channel: GreenChannel | None = None
        self._tag = ""
        self._outstanding: dict[int, None] = {}
        self._done: set[int] = set()
        self._cancelled = False
        self._task = spawn_apart(self._keep)

    def end(self) -> None:
        """Stops without a word to the broker, whose connection is ending."""
        self._cancelled = True
        self._task.kill()

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
            log.info("cancelling the consumer of %s: %s", self.queue, reason_of(error))

    def _keep(self) -> None:
        backoff = Backoff()
        while not self._cancelled:
            connection = self._link.wait_connection()
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
                log.warning("the consumer of %s ended: %s", self.queue, reason_of(error))
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
        self._done.add(tag)
        if len(self._outstanding) == 1:  # nothing to gather: it leaves in one piece with what was written just before
            self._ack_done()
        elif len(self._done) == 1:
            hubs.get_hub().schedule_call_global(0, self._ack_done)

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
