"""The server side of a call: `@rpc(allow=...)` on a method of a service class.

    class CatalogueService:
        name, contract = "catalogue", messages.CONTRACT

        @rpc(allow=("citizen", "clerk"))          # the person acted for holds at least one of these roles
        def find_items(self, request, call): ...  # a protobuf request in, a protobuf response out

        @rpc(allow=SERVICE)                       # a service's own call; nobody need be acted for
        def get_item(self, request, call): ...

What is not allowed is refused. Everything that comes in is answered or, where nobody can be answered, counted, and then
acked; only then, so that a call whose process died is run by another (callers repeat, handlers are idempotent). Nothing
that a peer sends ends the process or comes back for ever. On the queue the wire is nameko's own (chassis.wire).
"""

from __future__ import annotations

import functools
import logging
import re
import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import eventlet
from eventlet.event import Event
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message as Proto
from google.protobuf.message_factory import GetMessageClass
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint, SharedExtension, register_entrypoint
from pika import BasicProperties

from chassis.amqp import UNREADABLE_HEADER
from chassis.assertion import AssertionVerifier, EdgeKeys, bad_assertion
from chassis.broker import BrokerConnection, BrokerGone, Consumer, Message
from chassis.caller import Call, current_call
from chassis.clock import from_unix_ms
from chassis.errors import Fault, Kind, fault_of, internal
from chassis.green import spawn_apart
from chassis.process import PROCESS, Process
from chassis.telemetry import counter, extract, span
from chassis.telemetry.metrics import RPC_EXPIRED, RPC_SERVE_SECONDS, RPC_SERVED, WORKERS_BUSY
from chassis.wire import (
    ASSERTION_HEADER,
    DEADLINE_HEADER,
    JSON,
    PROTOBUF,
    RPC_EXCHANGE,
    decode_request,
    encode_fault,
    encode_reply,
    rpc_queue,
    undecodable,
)

if TYPE_CHECKING:
    from nameko.containers import WorkerContext

__all__ = ["SERVICE", "Call", "Rpc", "RpcServer", "rpc"]

log = logging.getLogger(__name__)

#: `allow=SERVICE`: any service that the bus table lets call, with or without a person.
SERVICE = "service"
#: The account of a stock nameko client; believed only where settings say trial.
TRIAL = "trial"
#: How long a call without a deadline may take, from its arrival.
DEFAULT_DEADLINE_S = 10.0
#: Larger things do not travel in a call.
MAX_BODY = 4 * 1024 * 1024

RPC_UNANSWERABLE = counter("tongban_rpc_unanswerable_total", "Calls that named nowhere to send an answer; not run.")

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def bad_headers(why: str) -> Fault:
    return Fault("rpc.bad_headers", Kind.INVALID, f"The call's headers could not be read: {why}.")


class _Method:
    """What is known of a method before any call comes: its messages, its rights, its metrics."""

    def __init__(self, entrypoint: Rpc, descriptor: MethodDescriptor, name: str) -> None:
        self.entrypoint, self.name = entrypoint, name
        self.request_type: type[Proto] = GetMessageClass(descriptor.input_type)
        self.response_type: type[Proto] = GetMessageClass(descriptor.output_type)
        self.seconds = RPC_SERVE_SECONDS.labels(name)
        self._outcomes: dict[str, Any] = {}

    def count(self, outcome: str) -> None:
        if outcome not in self._outcomes:
            self._outcomes[outcome] = RPC_SERVED.labels(self.name, outcome)
        self._outcomes[outcome].inc()


class _Exchange:
    """One call from its arrival to its answer."""

    __slots__ = ("began", "call", "message", "method", "request", "settled")

    def __init__(self, message: Message) -> None:
        self.message = message
        self.began = time.monotonic()
        self.method: _Method | None = None
        self.call: Call | None = None
        self.request: Proto | None = None
        self.settled = False


class RpcServer(SharedExtension):  # type: ignore[misc]
    """The one consumer of a service's queue: reads calls, checks them, hands them to workers, answers, acks."""

    def __init__(self) -> None:
        super().__init__()
        self._methods: dict[str, _Method] = {}
        self._waiting: deque[_Exchange] = deque()
        self._running: set[_Exchange] = set()
        self._wake: Event | None = None
        self._stopping = False
        self._stopped: Event | None = None
        self._link: BrokerConnection | None = None
        self._consumer: Consumer | None = None

    def setup(self) -> None:
        if self._link is not None:
            return
        process: Process = self.container.config[PROCESS]
        settings = process.settings
        self._process = process
        self._service: str = self.container.service_name
        self._limit, self._queue_limit = settings.max_workers, settings.rpc_queue_limit
        self._trial = settings.trial
        self._verifier = AssertionVerifier(EdgeKeys(settings.edge_keys), process.clock, settings.district)
        self._link = BrokerConnection(settings.amqp_url, f"{self._service}.rpc")

    def register(self, entrypoint: Rpc) -> None:
        """Takes in a method. Raises LookupError when the contract does not have it: the service does not start."""
        contract = self.container.service_cls.contract
        snake_case = {_snake_case(method.name): method for method in contract.methods}
        if entrypoint.method_name not in snake_case:
            raise LookupError(f"{contract.full_name} has no method for {entrypoint.method_name}")
        descriptor = snake_case[entrypoint.method_name]
        name = f"{self.container.service_name}.{entrypoint.method_name}"
        self._methods[name] = _Method(entrypoint, descriptor, name)

    def start(self) -> None:
        assert self._link is not None
        WORKERS_BUSY.set_function(lambda: len(self._running))
        self._link.start()
        spawn_apart(self._dispatch)
        # More than can run and wait, so that what is too much is seen here and refused at once.
        prefetch = 2 * self._limit + self._queue_limit
        self._consumer = self._link.consume(rpc_queue(self._service), self._take, prefetch=prefetch)

    @property
    def ready(self) -> bool:
        """Whether calls reach this process now."""
        return self._consumer is not None and self._consumer.active

    def drain(self) -> None:
        """Takes no more calls, gives back those not begun, and waits for the others as long as settings allow."""
        if self._stopped is not None:
            self._stopped.wait()
            return
        self._stopping, self._stopped = True, Event()
        if self._consumer is not None:
            self._consumer.cancel()
        while self._waiting:
            self._waiting.popleft().message.nack(requeue=True)
        self._wake_up()
        give_up = time.monotonic() + self._process.settings.drain_s
        while self._running and time.monotonic() < give_up:
            eventlet.sleep(0.02)
        for exchange in list(self._running):
            # Given back, it would run a second time beside the first, which nobody can take back.
            self._answer(
                exchange,
                Fault("rpc.stopped", Kind.UNAVAILABLE, "The service was stopped before it had an answer. Try again."),
            )
        self._stopped.send()

    def stop(self) -> None:
        if self._link is not None:
            self._link.stop()

    def kill(self) -> None:
        if self._link is not None:
            self._link.stop(timeout_s=0.5)

    # In the connection's greenlet: nothing here may block.

    def _take(self, message: Message) -> None:
        if self._stopping:
            message.nack(requeue=True)
            return
        exchange = _Exchange(message)
        try:
            if not self._answerable(message):
                RPC_UNANSWERABLE.inc()
                message.ack()
                return
            self._read(exchange)
        except Exception as error:
            if (fault := fault_of(error)) is None:
                log.exception("a call could not be read")
            self._answer(exchange, fault or internal())
            return
        if len(self._waiting) >= self._queue_limit:
            self._answer(
                exchange,
                Fault(
                    "rpc.overloaded", Kind.UNAVAILABLE, f"{self._service} has too much to do. Try again in a moment."
                ),
            )
            return
        self._waiting.append(exchange)
        self._wake_up()

    def _answerable(self, message: Message) -> bool:
        """Whether the answer has somewhere to go: the caller's own answer queue, nobody else's, and no method."""
        reply_to, caller = message.properties.reply_to, message.properties.user_id
        if not isinstance(reply_to, str):  # absent, or no text
            return False
        if caller == TRIAL:
            own_queue = _UUID
        else:
            own_queue = rf"reply\.{re.escape(caller)}\.{_UUID}" if caller else rf"(reply\.[a-z_]+\.)?{_UUID}"
        return re.fullmatch(own_queue, reply_to) is not None

    def _read(self, exchange: _Exchange) -> None:
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
        now = self._process.clock.now()
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

    def _wake_up(self) -> None:
        if self._wake is not None:
            wake, self._wake = self._wake, None
            wake.send()

    # In the dispatcher's greenlet, which may wait for a free worker.

    def _dispatch(self) -> None:
        while not self._stopping:
            if not self._waiting or len(self._running) >= self._limit:
                self._wake = Event()
                self._wake.wait()
                continue
            exchange = self._waiting.popleft()
            try:
                self._begin(exchange)
            except ContainerBeingKilled:
                exchange.message.nack(requeue=True)
            except Exception:
                log.exception("a call could not be begun")
                self._answer(exchange, internal())

    def _begin(self, exchange: _Exchange) -> None:
        assert exchange.method is not None and exchange.call is not None
        if exchange.call.deadline <= self._process.clock.now():
            RPC_EXPIRED.labels(exchange.method.name).inc()
            exchange.message.ack()  # nobody waits for the answer any more
            return
        self._running.add(exchange)
        try:
            self.container.spawn_worker(
                exchange.method.entrypoint,
                (exchange.request, exchange.call),
                {},
                handle_result=functools.partial(self._finish, exchange),
            )
        except BaseException:
            self._running.discard(exchange)
            raise

    # In the worker's greenlet.

    def _finish(self, exchange: _Exchange, _: WorkerContext, result: Any, exc_info: Any) -> tuple[Any, Any]:
        """Answers what the handler returned or raised. Raises nothing: nameko would end the process."""
        try:
            assert exchange.method is not None
            if exc_info is not None:
                self._answer(exchange, fault_of(exc_info[1]) or internal())
            elif isinstance(result, exchange.method.response_type):
                self._reply(exchange, *encode_reply(result, exchange.message.properties.content_type), "ok")
            else:
                log.error("%s returned %s", exchange.method.name, type(result).__name__)
                self._answer(exchange, internal())
        except Exception:
            log.exception("an answer could not be given")
            self._answer(exchange, internal())
        return result, exc_info

    # In any greenlet.

    def _answer(self, exchange: _Exchange, fault: Fault) -> None:
        self._reply(exchange, encode_fault(fault), JSON, fault.kind.value)

    def _reply(self, exchange: _Exchange, body: bytes, content_type: str, outcome: str) -> None:
        """Sends the answer, then acks the call; both once."""
        if exchange.settled:
            return
        exchange.settled = True
        if exchange in self._running:
            self._running.discard(exchange)
            self._wake_up()
        properties = exchange.message.properties
        answer = BasicProperties(
            content_type=content_type, correlation_id=properties.correlation_id, user_id=self._service
        )
        assert self._link is not None
        # Who says not who it is may name an answer queue that we have no right to: that must not cost others their answers.
        send = self._link.publish_urgently if properties.user_id else self._link.publish_aside
        try:
            send(RPC_EXCHANGE, properties.reply_to, body, answer)
        except BrokerGone:
            return  # unacked, the call goes to the next process that has a connection
        exchange.message.ack()
        if exchange.method is None:
            RPC_SERVED.labels("unknown", outcome).inc()
        else:
            exchange.method.count(outcome)
            exchange.method.seconds.observe(time.monotonic() - exchange.began)


class Rpc(Entrypoint):  # type: ignore[misc]  # nameko has no types
    """One method that can be called; see the module. Use the decorator `rpc`."""

    server = RpcServer()

    def __init__(self, allow: str | tuple[str, ...]) -> None:
        super().__init__()
        self.allow = allow

    def setup(self) -> None:
        self.server.register(self)

    def stop(self) -> None:
        self.server.drain()


def rpc(*, allow: str | tuple[str, ...]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a method callable by the services that the bus table names, for `allow`: SERVICE or a tuple of roles."""
    if allow != SERVICE and not (isinstance(allow, tuple) and allow and all(isinstance(role, str) for role in allow)):
        raise TypeError("allow is SERVICE or a tuple of at least one role")

    def register(handler: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(handler)
        def serve(service: Any, request: Proto, call: Call) -> Any:
            current_call.set(call)
            name = handler.__name__
            attributes = {
                "rpc.system": "nameko",
                "rpc.service": service.name,
                "rpc.method": name,
                "tongban.caller": call.caller,
            }
            with span(f"serve {service.name}.{name}", kind="server", attributes=attributes, parent=call.traceparent):
                try:
                    return handler(service, request, call)
                except eventlet.Timeout as timeout:  # not an Exception: nameko would let the message hang
                    log.exception("a time limit inside %s ran out", call.method)
                    raise internal() from timeout
                except Exception as error:
                    if fault_of(error) is None:
                        log.exception("a defect in %s", call.method)
                    raise

        register_entrypoint(serve, Rpc(allow))
        return serve

    return register


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
