"""Calls other services of this district: always with a deadline, and never longer than the caller's own caller waits.

One answer queue a process, exclusive to its connection. A call that no queue takes fails at once; one whose connection
is lost fails at once too, because nobody can say whether it ran: callers repeat only what carries an idempotency key.
"""

from __future__ import annotations

import logging
import re
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

import eventlet
from eventlet.event import Event
from google.protobuf.message import Message
from pika import BasicProperties
from pika.exceptions import ChannelClosedByBroker

from chassis.amqp import GreenChannel
from chassis.assertion import Actor
from chassis.broker import BrokerConnection, BrokerGone
from chassis.clock import Clock, SystemClock, unix_ms
from chassis.errors import Fault, Kind
from chassis.telemetry import inject, span
from chassis.telemetry.metrics import RPC_CALL_SECONDS, RPC_CALLED
from chassis.wire import ASSERTION_HEADER, DEADLINE_HEADER, PROTOBUF, RPC_EXCHANGE, decode_reply

log = logging.getLogger(__name__)

M = TypeVar("M", bound=Message)

#: How long a call waits for a connection that was lost.
RECONNECT_S = 0.5

_REFUSED_TOPIC = re.compile(r"access to topic '([^']+)'")


@dataclass(frozen=True, slots=True)
class Call:
    """A call being served: who calls, for whom, and until when somebody waits for the answer."""

    #: The calling service, as the broker checked it.
    caller: str
    #: The person acted for; None where the call is a service's own.
    actor: Actor | None
    deadline: datetime
    #: "<service>.<method>"
    method: str = ""
    #: The assertion as it came, passed on with the calls that this one makes.
    assertion: str = field(default="", repr=False)
    #: The trace that it belongs to.
    traceparent: str = ""


#: The call that the running greenlet serves.
current_call: ContextVar[Call | None] = ContextVar("current_call", default=None)


def unavailable(service: str) -> Fault:
    return Fault("rpc.unavailable", Kind.UNAVAILABLE, f"{service} cannot be reached now. Try again in a moment.")


def too_late(service: str) -> Fault:
    return Fault(
        "rpc.deadline", Kind.DEADLINE, f"{service} did not answer in time. Try again with the same idempotency key."
    )


def not_allowed(service: str, method: str) -> Fault:
    return Fault("rpc.not_allowed", Kind.FORBIDDEN, f"The broker does not let this service call {service}.{method}.")


class _Waiting:
    """One call under way: the answer's body and content type, or the Fault that takes its place."""

    __slots__ = ("answer", "arrived", "fault", "method", "service")

    def __init__(self, service: str, method: str) -> None:
        self.service, self.method = service, method
        self.arrived: Event = Event()
        self.answer: tuple[bytes, str | None] | None = None
        self.fault: Fault | None = None

    def settle(self, answer: tuple[bytes, str | None] | None, fault: Fault | None) -> None:
        if not self.arrived.ready():
            self.answer, self.fault = answer, fault
            self.arrived.send()


class RpcCaller:
    """The client side of the bus; one a process, used by any number of greenlets at once."""

    def __init__(self, url: str, service: str, *, clock: Clock | None = None) -> None:
        """`service` is this process's own name; it must be the user in `url`, which the broker compares."""
        self._service, self._clock = service, clock or SystemClock()
        self._waiting: dict[str, _Waiting] = {}
        self._reply_to = ""
        self._calls = 0
        self._started = False
        self._link = BrokerConnection(
            url, f"{service}.caller", prepare=self._open_reply_queue, on_return=self._on_return, on_lost=self._on_lost
        )

    def start(self) -> None:
        """Begins to connect; returns at once. The first call does it too: a service that calls nobody needs no answer queue."""
        self._started = True
        self._link.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Fails what is under way and closes."""
        self._link.stop(timeout_s)

    @property
    def ready(self) -> bool:
        """Whether a call made now would go out; also true before the first one, which connects."""
        return self._link.connected or not self._started

    def wait_connected(self, timeout_s: float) -> bool:
        """Whether it is connected, after at most `timeout_s` seconds."""
        return self._link.wait_connected(timeout_s)

    def call(
        self,
        service: str,
        method: str,
        request: Message,
        response_type: type[M],
        *,
        timeout_s: float = 5.0,
        assertion: str | None = None,
    ) -> M:
        """The answer of `service`.`method`.

        Waits until `timeout_s` seconds or the deadline of the call being served, whichever comes first. The person acted
        for is the one of the call being served, unless `assertion` says otherwise ("" for nobody). Raises Fault: the
        service's own, `rpc.deadline`, `rpc.unavailable` or `rpc.not_allowed`.
        """
        began = time.monotonic()
        outcome = "ok"
        attributes = {"rpc.system": "nameko", "rpc.service": service, "rpc.method": method}
        try:
            with span(f"call {service}.{method}", kind="client", attributes=attributes):
                body, content_type = self._exchange(service, method, request, timeout_s, assertion)
                return decode_reply(body, content_type, response_type)
        except Fault as fault:
            outcome = fault.kind.value
            raise
        finally:
            RPC_CALLED.labels(service, method, outcome).inc()
            RPC_CALL_SECONDS.labels(service, method).observe(time.monotonic() - began)

    def _exchange(
        self, service: str, method: str, request: Message, timeout_s: float, assertion: str | None
    ) -> tuple[bytes, str | None]:
        serving = current_call.get()
        now = self._clock.now()
        deadline = now + timedelta(seconds=timeout_s)
        if serving is not None:
            deadline = min(deadline, serving.deadline)
            assertion = serving.assertion if assertion is None else assertion
        if (left_s := (deadline - now).total_seconds()) <= 0:
            raise too_late(service)
        if not self._link.connected:
            patience_s = RECONNECT_S if self._started else left_s
            self.start()
            self._link.wait_connected(min(patience_s, left_s))
        headers: dict[str, Any] = {DEADLINE_HEADER: unix_ms(deadline)}
        if assertion:
            headers[ASSERTION_HEADER] = assertion
        inject(headers)
        self._calls += 1
        call_id = f"{self._calls:x}"
        waiting = self._waiting[call_id] = _Waiting(service, method)
        try:
            self._send(service, method, request, call_id, headers)
            with eventlet.Timeout(left_s, False):
                waiting.arrived.wait()
        finally:
            del self._waiting[call_id]
        if waiting.fault is not None:
            raise waiting.fault
        if waiting.answer is None:
            raise too_late(service)
        return waiting.answer

    def _send(self, service: str, method: str, request: Message, call_id: str, headers: dict[str, Any]) -> None:
        properties = BasicProperties(
            content_type=PROTOBUF,
            headers=headers,
            correlation_id=call_id,
            reply_to=self._reply_to,
            user_id=self._service,
        )
        try:
            self._link.publish(
                RPC_EXCHANGE, f"{service}.{method}", request.SerializeToString(), properties, mandatory=True
            )
        except BrokerGone as error:
            raise unavailable(service) from error

    def _open_reply_queue(self, channel: GreenChannel) -> None:
        # A fresh name each time: the broker may not have noticed yet that the connection before is gone.
        unique = uuid4()
        queue, routing_key = f"rpc.reply-{self._service}-{unique}", f"reply.{self._service}.{unique}"
        channel.ask("queue_declare", queue=queue, exclusive=True)
        channel.ask("queue_bind", queue=queue, exchange=RPC_EXCHANGE, routing_key=routing_key)
        channel.ask("basic_consume", queue=queue, on_message_callback=self._on_answer, auto_ack=True, exclusive=True)
        self._reply_to = routing_key

    def _on_answer(self, _: Any, __: Any, properties: BasicProperties, body: bytes) -> None:
        waiting = self._waiting.get(properties.correlation_id or "")
        # The broker has checked the user id: nobody else answers in a service's name.
        if waiting is not None and properties.user_id == waiting.service:
            waiting.settle((body, properties.content_type), None)

    def _on_return(self, properties: BasicProperties) -> None:
        if waiting := self._waiting.get(properties.correlation_id or ""):
            waiting.settle(None, unavailable(waiting.service))

    def _on_lost(self, reason: Exception) -> None:
        refused = _REFUSED_TOPIC.search(reason.reply_text) if isinstance(reason, ChannelClosedByBroker) else None
        for waiting in list(self._waiting.values()):
            if refused and refused[1] == f"{waiting.service}.{waiting.method}":
                waiting.settle(None, not_allowed(waiting.service, waiting.method))
            else:
                waiting.settle(None, unavailable(waiting.service))
