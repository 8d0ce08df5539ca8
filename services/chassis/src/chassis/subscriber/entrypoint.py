"""The decorators, and the entrypoint that they make of a method."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import eventlet
from google.protobuf.message import DecodeError
from google.protobuf.message import Message as Proto
from nameko.extensions import Entrypoint, register_entrypoint

from chassis.amqp import UNREADABLE_HEADER
from chassis.broker import Message
from chassis.ladder import Poison
from chassis.subscriber.consumer import EventConsumer
from chassis.subscriber.delivery import Delivery, is_vouched_for, read_delivery
from chassis.telemetry import span

COURIER = "courier"


def subscribe(
    event_type: type[Proto], *, via_courier: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a method handle every event of `event_type`, once: `def on_x(self, event, delivery)`."""
    return _register(event_type, COURIER if via_courier else event_type.DESCRIPTOR.full_name.split(".")[1], via_courier)


def subscribe_raw() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a method handle whatever its queue is bound for: `def outbound(self, body, delivery)`; `delivery.type` says what.

    The source is what the broker vouches for: the service whose user published it.
    """
    return _register(None, "", False)


def _register(
    event_type: type[Proto] | None, source: str, via_courier: bool
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(handler: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(handler)
        def handle(service: Any, event: Any, delivery: Delivery) -> Any:
            name = f"{service.name}.{handler.__name__}"
            attributes: dict[str, str | int] = {
                "messaging.system": "rabbitmq",
                "messaging.operation.type": "process",
                "messaging.message.id": delivery.id,
                "tongban.event.type": delivery.type,
                "tongban.handler": name,
                "tongban.attempt": delivery.attempt,
            }
            with span(f"handle {name}", kind="consumer", attributes=attributes, parent=delivery.traceparent):
                try:
                    return handler(service, event, delivery)
                except eventlet.Timeout as timeout:  # not an Exception: the message would hang
                    raise RuntimeError("a time limit inside the handler ran out") from timeout

        register_entrypoint(handle, Subscriber(event_type, source, via_courier))
        return handle

    return register


class Subscriber(Entrypoint):  # type: ignore[misc]  # nameko has no types
    """One handler of events; see the module. Use the decorators."""

    consumer = EventConsumer()

    def __init__(self, event_type: type[Proto] | None, source: str, via_courier: bool) -> None:
        super().__init__()
        self.event_type, self.source, self.via_courier = event_type, source, via_courier

    @property
    def handler(self) -> str:
        return f"{self.container.service_name}.{self.method_name}"

    @property
    def queue(self) -> str:
        return f"evt.{self.handler}"

    def setup(self) -> None:
        self.consumer.register(self)

    def stop(self) -> None:
        self.consumer.drain()

    def read(self, message: Message) -> tuple[Any, Delivery]:
        """The event and what came with it. Raises Poison."""
        headers = message.headers
        if UNREADABLE_HEADER in headers:
            raise Poison("event.headers_unreadable")
        delivery = read_delivery(headers)
        if self.event_type is None:
            if not is_vouched_for(delivery.source, message.routing_key, self.queue):
                raise Poison("event.source_forged")
            return message.body, delivery
        if delivery.type != self.event_type.DESCRIPTOR.full_name:
            raise Poison("event.type_unknown")
        if delivery.source != self.source or bool(delivery.district) != self.via_courier:
            raise Poison("event.source_unexpected")
        try:
            return self.event_type.FromString(message.body), delivery
        except DecodeError:
            raise Poison("event.body_undecodable") from None
