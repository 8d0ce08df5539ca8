"""Calls over the bus from asyncio: nameko's RPC wire, binary protobuf, one connection, one answer queue.

Every call has a deadline, which travels with it: past it the service drops the call and the broker its message. A call
nobody can take is returned by the broker (`mandatory`) and fails at once. When the connection is lost, open calls fail
(whether they ran is unknown: the caller repeats with the same idempotency key) and a new connection is made, for ever.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pika
from chassis.clock import Clock, NewId, unix_ms
from chassis.edge import cancelled
from chassis.errors import Fault, Kind
from chassis.logs import get_logger
from chassis.telemetry import inject, span
from chassis.telemetry.metrics import BROKER_CONNECTED, BROKER_RECONNECTS, RPC_CALL_SECONDS, RPC_CALLED
from chassis.wire import ASSERTION_HEADER, DEADLINE_HEADER, PROTOBUF, RPC_EXCHANGE, decode_reply
from google.protobuf.message import Message
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel

from gateway.messages import answer_type

log = get_logger(__name__)

LONGEST_PAUSE_S = 5.0
CONNECT_TIMEOUT_S = 10.0
_CONNECTION = "rpc"


class ConnectionEndedError(Exception):
    """The connection or channel ended; the reason is in the log."""


def _unavailable(code: str, sentence: str) -> Fault:
    return Fault(code, Kind.UNAVAILABLE, sentence)


class Bus:
    """Calls to the services of this district, as the broker user `service`."""

    def __init__(
        self, url: str, *, service: str, clock: Clock, new_id: NewId, timeout_s: float, in_flight: int
    ) -> None:
        self._parameters = pika.URLParameters(url)
        self._parameters.heartbeat = 20
        self._parameters.blocked_connection_timeout = 15
        self._parameters.socket_timeout = self._parameters.stack_timeout = CONNECT_TIMEOUT_S
        self._parameters.connection_attempts = 1
        self._parameters.client_properties = {"connection_name": service}
        self._service, self._clock, self._new_id = service, clock, new_id
        self._timeout_s, self._in_flight = timeout_s, in_flight
        self._waiting: dict[str, asyncio.Future[tuple[bytes, str]]] = {}
        self._channel: Channel | None = None
        self._reply_to = ""
        self._blocked = False
        self._keeper: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether a call could be sent now."""
        return self._channel is not None and not self._blocked

    def start(self) -> None:
        """Connects, and goes on connecting until `stop`."""
        self._keeper = asyncio.create_task(self._keep_connected())

    async def stop(self) -> None:
        """Closes the connection; open calls fail."""
        if self._keeper is not None:
            await cancelled(self._keeper)

    async def call(self, method: str, request: Message, *, assertion: str = "") -> Any:
        """The answer of "<service>.<method>" to `request`, for the person in `assertion`; without one for the gateway itself.

        Raises Fault: the service's own, `rpc.unavailable`, `rpc.connection_lost`, `rpc.overloaded` (unavailable) or
        `rpc.deadline` (deadline).
        """
        callee, _, name = method.partition(".")
        attributes = {"rpc.system": "nameko", "rpc.service": callee, "rpc.method": name}
        outcome = "ok"
        with span(f"call {method}", kind="client", attributes=attributes), RPC_CALL_SECONDS.labels(callee, name).time():
            try:
                body, content_type = await self._exchange(method, request.SerializeToString(), assertion)
                return decode_reply(body, content_type, answer_type(method))
            except Fault as fault:
                outcome = fault.kind.value
                raise
            finally:
                RPC_CALLED.labels(callee, name, outcome).inc()

    async def _exchange(self, method: str, body: bytes, assertion: str) -> tuple[bytes, str]:
        if not self.ready:
            raise _unavailable("rpc.unavailable", "The message broker is away; try again shortly.")
        if len(self._waiting) >= self._in_flight:
            raise _unavailable("rpc.overloaded", "Too many calls are waiting for their answers; try again shortly.")
        call_id = str(self._new_id())
        self._waiting[call_id] = answer = asyncio.get_running_loop().create_future()
        try:
            self._publish(method, body, call_id, assertion)
            return await asyncio.wait_for(answer, self._timeout_s)
        except TimeoutError:
            raise Fault(
                "rpc.deadline",
                Kind.DEADLINE,
                "The service did not answer in time; whether it acted is unknown. Repeat with the same Idempotency-Key.",
            ) from None
        finally:
            del self._waiting[call_id]

    def _publish(self, method: str, body: bytes, call_id: str, assertion: str) -> None:
        deadline = self._clock.now() + timedelta(seconds=self._timeout_s)
        headers: dict[str, Any] = {DEADLINE_HEADER: unix_ms(deadline)} | (
            {ASSERTION_HEADER: assertion} if assertion else {}
        )
        inject(headers)
        properties = pika.BasicProperties(
            content_type=PROTOBUF,
            correlation_id=call_id,
            reply_to=self._reply_to,
            user_id=self._service,
            expiration=str(int(self._timeout_s * 1000)),
            headers=headers,
        )
        channel = cast(Channel, self._channel)
        try:
            channel.basic_publish(RPC_EXCHANGE, method, body, properties, mandatory=True)
        except pika.exceptions.AMQPError:
            raise _unavailable("rpc.unavailable", "The message broker is away; try again shortly.") from None

    # --- the connection

    async def _keep_connected(self) -> None:
        pause = 0.1
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._one_connection()
            except (ConnectionEndedError, TimeoutError, OSError, pika.exceptions.AMQPError) as error:
                log.warning("no connection to the broker", reason=type(error).__name__, detail=str(error))
            finally:
                self._disconnected()
            BROKER_RECONNECTS.labels(_CONNECTION).inc()
            pause = 0.1 if asyncio.get_running_loop().time() - began > 30 else min(pause * 2, LONGEST_PAUSE_S)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 -- spreads reconnections

    async def _one_connection(self) -> None:
        """Connects and serves until the connection or its channel ends."""
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def ended(_: object, reason: object = None) -> None:
            if not lost.done():
                lost.set_exception(ConnectionEndedError(f"{type(reason).__name__}: {reason}"))

        connection: AsyncioConnection | None = None
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                opened = _Callback(lost)
                connection = AsyncioConnection(self._parameters, opened, ended, ended)
                await opened
                connection.add_on_connection_blocked_callback(lambda *_: self._set_blocked(True))
                connection.add_on_connection_unblocked_callback(lambda *_: self._set_blocked(False))
                await self._listen(connection, lost, ended)
            BROKER_CONNECTED.labels(_CONNECTION).set(1)
            log.info("connected to the broker")
            await lost
        finally:
            lost.cancel()
            if connection is not None and connection.is_open:
                connection.close()
                await asyncio.sleep(0.05)  # lets the goodbye leave

    async def _listen(
        self, connection: AsyncioConnection, lost: asyncio.Future[None], ended: Callable[..., None]
    ) -> None:
        ident = self._new_id()
        queue, key = f"rpc.reply-{self._service}-{ident}", f"reply.{self._service}.{ident}"
        opened = _Callback(lost)
        connection.channel(on_open_callback=opened)
        channel: Channel = await opened
        channel.add_on_close_callback(ended)
        channel.add_on_return_callback(self._returned)
        declared, bound, consuming = _Callback(lost), _Callback(lost), _Callback(lost)
        channel.queue_declare(queue, exclusive=True, callback=declared)
        await declared
        channel.queue_bind(queue, RPC_EXCHANGE, routing_key=key, callback=bound)
        await bound
        channel.add_on_cancel_callback(ended)
        channel.basic_consume(queue, self._answered, auto_ack=True, callback=consuming)
        await consuming
        self._reply_to, self._channel, self._blocked = key, channel, False

    def _set_blocked(self, blocked: bool) -> None:
        self._blocked = blocked
        log.warning("the broker takes no messages" if blocked else "the broker takes messages again")

    def _disconnected(self) -> None:
        self._channel = None
        BROKER_CONNECTED.labels(_CONNECTION).set(0)
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(
                    _unavailable(
                        "rpc.connection_lost",
                        "The connection to the broker was lost; whether the call ran is unknown. Repeat with the same Idempotency-Key.",
                    )
                )

    # --- what comes in

    def _answered(self, _: Channel, __: Any, properties: pika.BasicProperties, body: bytes) -> None:
        answer = self._waiting.get(properties.correlation_id or "")
        if answer is not None and not answer.done():
            answer.set_result((body, properties.content_type or ""))

    def _returned(self, _: Channel, __: Any, properties: pika.BasicProperties, ___: bytes) -> None:
        answer = self._waiting.get(properties.correlation_id or "")
        if answer is not None and not answer.done():
            answer.set_exception(
                _unavailable("rpc.unavailable", "The service that has to answer is not there; try again shortly.")
            )


class _Callback:
    """Something pika calls once, awaited; fails when the connection is lost first."""

    def __init__(self, lost: asyncio.Future[None]) -> None:
        self._lost = lost
        self._called: asyncio.Future[Any] = lost.get_loop().create_future()

    def __call__(self, result: Any) -> None:
        if not self._called.done():
            self._called.set_result(result)

    def __await__(self) -> Any:
        return self._wait().__await__()

    async def _wait(self) -> Any:
        await asyncio.wait((self._called, self._lost), return_when=asyncio.FIRST_COMPLETED)
        if not self._called.done():
            self._called.cancel()
            self._lost.result()
        return self._called.result()
