"""The bus as a test uses it: calls with a service's own rights, events as their source sends them, and what was sent.

bus = BusClient(engines)
bus.call("catalogue.publish_item", request, Response, actor=a_person("publisher"))
bus.hand_on(message, to="catalogue", district="310101", subject="item/x")     as the courier does with what arrived
bus.tell(message, source="courier", subject="320508", to="hotline")           an event of this district
bus.sent("catalogue")                                                         what waits for the courier
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import pika
from chassis.assertion import Actor, sign_assertion
from chassis.clock import SystemClock, new_id, unix_ms
from chassis.errors import Fault, Kind
from chassis.outbox import DATA_CONTENT_TYPE, DISTRICT, ID, SOURCE, SPEC_VERSION, SUBJECT, TIME, TYPE, VERSION, rfc3339
from chassis.wire import (
    ASSERTION_HEADER,
    DEADLINE_HEADER,
    JSON,
    PROTOBUF,
    RPC_EXCHANGE,
    SEALED,
    decode_reply,
    encode_fault,
    rpc_queue,
)
from google.protobuf.message import Message

from tests.support.engines import Engines

M = TypeVar("M", bound=Message)


def a_person(*roles: str, subject: str = "person-1", district: str = "320508", client_id: str = "portal") -> Actor:
    """Somebody with these roles."""
    return Actor(subject, district, frozenset(roles), "L4", client_id)


def eventually(look: Callable[[], Any], timeout_s: float = 15.0) -> Any:
    """What `look` returns as soon as that is true; else AssertionError with the last it returned."""
    until = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < until, f"it did not come true in {timeout_s} s: {found!r}"
        time.sleep(0.05)
    return found


def loaded(promised_s: float) -> float:
    """The seconds that a promise of `promised_s` is given on this machine: exactly those where it has nothing else to do.

    Where more wants to run than it has cores, everything takes that many times as long, ours too: so many times it is given, six at
    most, so that what takes a minute fails anywhere.
    """
    return promised_s * min(6.0, max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)))


Answer = Callable[[Any], Message]


@contextmanager
def stand_in(engines: Engines, service: str, answers: Mapping[str, tuple[type[Message], Answer]]) -> Iterator[None]:
    """Answers calls of `service` at its queue, with its rights: method → request type and what answers or raises Fault.

    Other services are faked at the port; this is the port of a running process.
    """
    started, stop = threading.Event(), threading.Event()

    def serve() -> None:
        with engines.channel(engines.amqp_url(service)) as channel:
            for method, properties, body in channel.consume(rpc_queue(service), auto_ack=True, inactivity_timeout=0.1):
                started.set()
                if stop.is_set():
                    return
                if method is None:
                    continue
                request_type, answer = answers[method.routing_key.partition(".")[2]]
                try:
                    reply, content_type = answer(request_type.FromString(body)).SerializeToString(), PROTOBUF
                except Fault as fault:
                    reply, content_type = encode_fault(fault), JSON
                told = pika.BasicProperties(
                    content_type=content_type, correlation_id=properties.correlation_id, user_id=service
                )
                channel.basic_publish(RPC_EXCHANGE, properties.reply_to, reply, told)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


@dataclass
class BusClient:
    """One district's bus, from outside its services."""

    engines: Engines

    def call(
        self,
        method: str,
        request: Message,
        response_type: type[M],
        *,
        actor: Actor | None = None,
        caller: str = "gateway",
        timeout_s: float = 10.0,
    ) -> M:
        """The answer to `caller`'s call of "<service>.<method>". Raises the Fault that it carries, or `rpc.deadline`."""
        clock, unique = SystemClock(), uuid4()
        headers: dict[str, Any] = {DEADLINE_HEADER: unix_ms(clock.now()) + int(timeout_s * 1000)}
        if actor is not None:
            district = self.engines.district
            headers[ASSERTION_HEADER] = sign_assertion(actor, district.edge_key, clock=clock, audience=district.code)
        with self.engines.channel(self.engines.amqp_url(caller)) as channel:
            queue, key = f"rpc.reply-{caller}-{unique}", f"reply.{caller}.{unique}"
            channel.queue_declare(queue, exclusive=True)
            channel.queue_bind(queue, RPC_EXCHANGE, key)
            properties = pika.BasicProperties(
                content_type=PROTOBUF, headers=headers, correlation_id="1", reply_to=key, user_id=caller
            )
            channel.basic_publish(RPC_EXCHANGE, method, request.SerializeToString(), properties)
            for _, answer, body in channel.consume(queue, auto_ack=True, inactivity_timeout=timeout_s):
                if body is None:
                    break
                return decode_reply(body, answer.content_type, response_type)
        raise Fault("rpc.deadline", Kind.DEADLINE, f"{method} did not answer")

    def hand_on(self, message: Message, *, to: str, district: str, subject: str, id: str = "") -> str:
        """As the courier hands on what arrived from `district`; returns the message's id."""
        source = message.DESCRIPTOR.full_name.split(".")[1]
        return self._emit(message, "courier", f"{to}.", subject, id, {DISTRICT: district}, sent_by=source)

    def tell(self, message: Message, *, source: str, subject: str, to: str = "", version: int = 1, id: str = "") -> str:
        """An event of this district; `to` where it is meant for one service. Returns its id."""
        return self._emit(message, source, f"{to}." if to else "", subject, id, {VERSION: version}, sent_by=source)

    def _emit(
        self,
        message: Message,
        publisher: str,
        prefix: str,
        subject: str,
        id: str,
        more: dict[str, Any],
        *,
        sent_by: str,
    ) -> str:
        id = id or str(new_id())
        headers = {
            ID: id,
            # What the courier hands on is an event of the courier's; its district says where it comes from.
            SOURCE: publisher if DISTRICT in more else sent_by,
            TYPE: message.DESCRIPTOR.full_name,
            SUBJECT: subject,
            TIME: rfc3339(SystemClock().now()),
            SPEC_VERSION: "1.0",
            DATA_CONTENT_TYPE: PROTOBUF,
            **more,
        }
        type, body = message.DESCRIPTOR.full_name, message.SerializeToString()
        if DISTRICT in more:
            headers[DATA_CONTENT_TYPE], body = SEALED, self.engines.transit.seal(body, id=id, type=type)
        properties = pika.BasicProperties(
            content_type=headers[DATA_CONTENT_TYPE],
            headers=headers,
            delivery_mode=2,
            message_id=id,
            type=type,
            user_id=publisher,
        )
        with self.engines.channel(self.engines.amqp_url(publisher)) as channel:
            channel.confirm_delivery()
            channel.basic_publish(
                f"{publisher}.events",
                f"{prefix}{message.DESCRIPTOR.name}",
                body,
                properties,
                True,
            )
        return id

    def sent(self, message_type: type[M], count: int = 1, timeout_s: float = 15.0) -> list[tuple[dict[str, Any], M]]:
        """Headers and messages that services handed to the courier since the last look, once `count` of them are there."""
        found: list[tuple[dict[str, Any], M]] = []

        def look() -> bool:
            with self.engines.channel() as channel:
                while (got := channel.basic_get("evt.courier.outbound", auto_ack=True))[0] is not None:
                    _, properties, body = got
                    assert properties.type == message_type.DESCRIPTOR.full_name, properties.type
                    opened = self.engines.transit.open(body, id=properties.message_id, type=properties.type)
                    found.append((properties.headers, message_type.FromString(opened)))
            return len(found) >= count

        eventually(look, timeout_s)
        return found

    def parked(self, service: str) -> list[dict[str, Any]]:
        """The headers of what the handlers of `service` gave up on since the last look."""
        headers = []
        with self.engines.channel() as channel:
            while (got := channel.basic_get(f"park.{service}", auto_ack=True))[0] is not None:
                headers.append(got[1].headers)
        return headers
