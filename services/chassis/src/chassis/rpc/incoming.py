"""A call as it arrives: whether it can be answered, what is asked, by whom, for whom and until when."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message as Proto
from google.protobuf.message_factory import GetMessageClass

from chassis.amqp import UNREADABLE_HEADER
from chassis.assertion import AssertionVerifier, EdgeKeys, bad_assertion
from chassis.broker import Message
from chassis.caller import Call
from chassis.clock import from_unix_ms
from chassis.errors import Fault, Kind
from chassis.process import Process
from chassis.telemetry import extract
from chassis.telemetry.metrics import RPC_SERVE_SECONDS, RPC_SERVED
from chassis.wire import ASSERTION_HEADER, DEADLINE_HEADER, JSON, PROTOBUF, decode_request, undecodable

#: `allow=SERVICE`: any service that the bus table lets call, with or without a person.
SERVICE = "service"
#: The account of a stock nameko client; believed only where settings say trial.
TRIAL = "trial"
#: How long a call without a deadline may take, from its arrival.
DEFAULT_DEADLINE_S = 10.0
#: Larger things do not travel in a call.
MAX_BODY = 4 * 1024 * 1024

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def bad_headers(why: str) -> Fault:
    return Fault("rpc.bad_headers", Kind.INVALID, f"The call's headers could not be read: {why}.")


class Method:
    """What is known of a method before any call comes: its messages, its rights, its metrics."""

    def __init__(self, entrypoint: Any, descriptor: MethodDescriptor, name: str) -> None:
        self.entrypoint, self.name = entrypoint, name
        self.request_type: type[Proto] = GetMessageClass(descriptor.input_type)
        self.response_type: type[Proto] = GetMessageClass(descriptor.output_type)
        self.seconds = RPC_SERVE_SECONDS.labels(name)
        self._outcomes: dict[str, Any] = {}

    def count(self, outcome: str) -> None:
        if outcome not in self._outcomes:
            self._outcomes[outcome] = RPC_SERVED.labels(self.name, outcome)
        self._outcomes[outcome].inc()


class Exchange:
    """One call from its arrival to its answer."""

    __slots__ = ("began", "call", "message", "method", "request", "settled")

    def __init__(self, message: Message) -> None:
        self.message = message
        self.began = time.monotonic()
        self.method: Method | None = None
        self.call: Call | None = None
        self.request: Proto | None = None
        self.settled = False


def is_answerable(message: Message) -> bool:
    """Whether the answer has somewhere to go: the caller's own answer queue, nobody else's, and no method."""
    reply_to, caller = message.properties.reply_to, message.properties.user_id
    if not isinstance(reply_to, str):  # absent, or no text
        return False
    if caller == TRIAL:
        own_queue = _UUID
    else:
        own_queue = rf"reply\.{re.escape(caller)}\.{_UUID}" if caller else rf"(reply\.[a-z_]+\.)?{_UUID}"
    return re.fullmatch(own_queue, reply_to) is not None


class Reader:
    """Reads the calls of one service."""

    def __init__(self, process: Process, service: str, methods: Mapping[str, Method]) -> None:
        """`methods` by routing key; it may still grow."""
        settings = process.settings
        self._service, self._methods, self._trial, self._clock = service, methods, settings.trial, process.clock
        self._verifier = AssertionVerifier(EdgeKeys(settings.edge_keys), process.clock, settings.district)

    def read(self, exchange: Exchange) -> None:
        """Finds out what is asked, by whom, for whom and until when. Raises Fault."""
        message, properties, headers = exchange.message, exchange.message.properties, exchange.message.headers
        if UNREADABLE_HEADER in headers:
            raise bad_headers("they are not valid AMQP")
        exchange.method = self._methods.get(message.routing_key)
        caller = properties.user_id or (TRIAL if self._trial else "")
        if not caller or (caller == TRIAL and not self._trial):
            raise Fault("rpc.caller_unknown", Kind.FORBIDDEN, "A call says who makes it, by the AMQP property user_id.")
        if exchange.method is None:
            raise Fault("rpc.unknown_method", Kind.NOT_FOUND, f"{self._service} has no such method.")
        if properties.content_type not in (JSON, PROTOBUF):
            raise undecodable(f"its content type is neither {JSON} nor {PROTOBUF}")
        if len(message.body) > MAX_BODY:
            raise Fault("rpc.too_large", Kind.TOO_LARGE, f"A call has at most {MAX_BODY} octets.")
        now = self._clock.now()
        try:
            deadline = from_unix_ms(int(headers[DEADLINE_HEADER])) if DEADLINE_HEADER in headers else None
        except (ValueError, TypeError, OverflowError, OSError) as error:
            raise bad_headers("the deadline is not in Unix milliseconds") from error
        token = headers.get(ASSERTION_HEADER) or ""
        if not isinstance(token, str):
            raise bad_assertion("it is not a text")
        actor = self._verifier.verify(token) if token else None
        allow = exchange.method.entrypoint.allow
        if allow != SERVICE and (actor is None or not actor.has_any(allow)):
            raise Fault("rpc.forbidden", Kind.FORBIDDEN, "The person acted for may not do this.")
        exchange.request = decode_request(message.body, properties.content_type, exchange.method.request_type)
        deadline = deadline or now + timedelta(seconds=DEFAULT_DEADLINE_S)
        exchange.call = Call(caller, actor, deadline, message.routing_key, token, extract(headers))
