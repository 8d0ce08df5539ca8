"""The one consumer of a service's queue."""

from __future__ import annotations

import functools
import logging
import re
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import eventlet
from eventlet.event import Event
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import SharedExtension
from pika import BasicProperties

from chassis.broker import BrokerConnection, BrokerGone, Consumer, Message
from chassis.errors import Fault, Kind, fault_of, internal
from chassis.green import spawn_apart
from chassis.process import PROCESS, Process
from chassis.rpc.incoming import Exchange, Method, Reader, is_answerable
from chassis.telemetry import counter
from chassis.telemetry.metrics import RPC_EXPIRED, RPC_SERVED, WORKERS_BUSY
from chassis.wire import JSON, RPC_EXCHANGE, encode_fault, encode_reply, rpc_queue

if TYPE_CHECKING:
    from nameko.containers import WorkerContext

log = logging.getLogger(__name__)

RPC_UNANSWERABLE = counter("tongban_rpc_unanswerable_total", "Calls that named nowhere to send an answer; not run.")


class RpcServer(SharedExtension):  # type: ignore[misc]
    """The one consumer of a service's queue: reads calls, checks them, hands them to workers, answers, acks."""

    def __init__(self) -> None:
        super().__init__()
        self._methods: dict[str, Method] = {}
        self._waiting: deque[Exchange] = deque()
        self._running: set[Exchange] = set()
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
        self._reader = Reader(process, self._service, self._methods)
        self._link = BrokerConnection(settings.amqp_url, f"{self._service}.rpc")

    def register(self, entrypoint: Any) -> None:
        """Takes in a method. Raises LookupError when the contract does not have it: the service does not start."""
        contract = self.container.service_cls.contract
        snake_case = {_snake_case(method.name): method for method in contract.methods}
        if entrypoint.method_name not in snake_case:
            raise LookupError(f"{contract.full_name} has no method for {entrypoint.method_name}")
        descriptor = snake_case[entrypoint.method_name]
        name = f"{self.container.service_name}.{entrypoint.method_name}"
        self._methods[name] = Method(entrypoint, descriptor, name)

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
        if self._link is None:
            return  # it was never set up: the service did not come so far
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
        exchange = Exchange(message)
        try:
            if not is_answerable(message):
                RPC_UNANSWERABLE.inc()
                message.ack()
                return
            self._reader.read(exchange)
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

    def _begin(self, exchange: Exchange) -> None:
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

    def _finish(self, exchange: Exchange, _: WorkerContext, result: Any, exc_info: Any) -> tuple[Any, Any]:
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

    def _answer(self, exchange: Exchange, fault: Fault) -> None:
        self._reply(exchange, encode_fault(fault), JSON, fault.kind.value)

    def _reply(self, exchange: Exchange, body: bytes, content_type: str, outcome: str) -> None:
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


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
