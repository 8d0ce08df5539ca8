"""The decorator, and the entrypoint that it makes of a method."""

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
from chassis.process import PROCESS
from chassis.sealed import SealBroken
from chassis.subscriber.consumer import EventConsumer
from chassis.subscriber.delivery import Delivery, read_delivery
from chassis.telemetry import span

COURIER = "courier"


def _every_one(_: Any) -> bool:
    return True


def subscribe(
    event_type: type[Proto], *, via_courier: bool = False, where: Callable[[Any], bool] = _every_one
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a method handle every event of `event_type`, once: `def on_x(self, event, delivery)`.

    `where` says of an event, by nothing but the event itself, whether it concerns this service; any other is done with when it
    has been read, without a transaction.
    """

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

        register_entrypoint(handle, Subscriber(event_type, via_courier, where))
        return handle

    return register


class Subscriber(Entrypoint):  # type: ignore[misc]  # nameko has no types
    """One handler of events; see the package. Use `subscribe`."""

    consumer = EventConsumer()

    def __init__(self, event_type: type[Proto], via_courier: bool, where: Callable[[Any], bool]) -> None:
        super().__init__()
        self.event_type, self.via_courier, self.concerns = event_type, via_courier, where
        self._type = event_type.DESCRIPTOR.full_name
        # tongban.<service>.v1.<Name>: a fact's source is the service whose contract it stands in.
        self._source = COURIER if via_courier else self._type.split(".")[1]

    @property
    def handler(self) -> str:
        return f"{self.container.service_name}.{self.method_name}"

    @property
    def queue(self) -> str:
        return f"evt.{self.handler}"

    def setup(self) -> None:
        self._transit = self.container.config[PROCESS].transit
        self.consumer.register(self)

    def stop(self) -> None:
        self.consumer.drain()

    def read(self, message: Message) -> tuple[Proto, Delivery]:
        """The event and what came with it. Raises Poison."""
        headers = message.headers
        if (
            UNREADABLE_HEADER in headers
        ):  # parked with a stand-in for them: as they were, they would break every reader there
            raise Poison("event.headers_unreadable")
        delivery = read_delivery(headers)
        if delivery.type != self._type:
            raise Poison("event.type_unknown")
        if delivery.source != self._source or bool(delivery.district) != self.via_courier:
            raise Poison("event.source_unexpected")
        try:
            body = (
                self._transit.open(message.body, id=delivery.id, type=delivery.type)
                if self.via_courier
                else message.body
            )
            return self.event_type.FromString(body), delivery
        except SealBroken:
            raise Poison("event.seal_broken") from None
        except DecodeError:
            raise Poison("event.body_undecodable") from None
