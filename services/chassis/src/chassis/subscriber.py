"""The receiving side of events: `@subscribe(messages.CaseProgressed)` on a method of a service class.

    @subscribe(messages.CaseProgressed)                       # a fact of this district; its source is the proto package's
    def on_case_progressed(self, event, delivery): ...

    @subscribe(messages.HandOverOffered, via_courier=True)    # from another district, handed on by the courier
    def on_hand_over_offered(self, event, delivery): ...

Queue `evt.<service>.<method>`. The handler runs in a transaction that also holds its inbox row (handler, source, id), so its
effects happen once however often the message comes; it is acked after the commit. A handler that raises is rolled back
and its message goes to the ladder (ladder.py), confirmed, before it is acked. While our own database is away messages are
held and tried again in place. At SIGTERM what runs is finished and what does not run yet goes back to the queue.
"""

from __future__ import annotations

import functools
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import eventlet
from eventlet.event import Event
from eventlet.semaphore import Semaphore
from google.protobuf.message import DecodeError
from google.protobuf.message import Message as Proto
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint, SharedExtension, register_entrypoint
from pika import BasicProperties
from sqlalchemy.engine import Connection

from chassis.amqp import UNREADABLE_HEADER
from chassis.broker import BrokerConnection, BrokerGone, Consumer, Message, Outcome
from chassis.errors import Fault, Kind, fault_of
from chassis.green import spawn
from chassis.ladder import ATTEMPTS, Poison, next_step, reason_of
from chassis.outbox import DISTRICT, ID, SOURCE, SUBJECT, TIME, TYPE, VERSION
from chassis.process import PROCESS, Process
from chassis.telemetry import extract, span
from chassis.telemetry.metrics import EVENT_HANDLE_SECONDS, EVENTS_HANDLED

log = logging.getLogger(__name__)

COURIER = "courier"
#: Deliveries a queue may have on hand; what is not begun when the process ends goes back.
PREFETCH = 16
#: Handlers running at once in a process, below the connections of its pool: calls need some too.
AT_ONCE = 8
CONFIRM_TIMEOUT_S = 10.0
PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
PUBLISH_TRIES = 5

_INBOX = "INSERT INTO inbox (handler, source, id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"


@dataclass
class Delivery:
    """One event as it arrived, and the open transaction it is handled in."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    #: The aggregate's version; 0 where the event has none.
    version: int = 0
    #: Division code of the district that sent it; "" for a fact of our own district.
    district: str = ""
    connection: Connection = field(default=None, repr=False)  # type: ignore[assignment]  # set before the handler runs
    #: Everything that came beside the body, the courier's attributes among it.
    headers: Mapping[str, Any] = field(default_factory=dict, repr=False)
    traceparent: str = ""
    #: Which try this is, from 1.
    attempt: int = 1

    @property
    def inbox_source(self) -> str:
        """Whose id it is: ids of different districts must not meet."""
        return f"{self.source}@{self.district}" if self.district else self.source


def subscribe(event_type: type[Proto], *, via_courier: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
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
            attributes = {
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

    consumer: EventConsumer

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
        delivery = _delivery(headers)
        if self.event_type is None:
            if not _vouched(message, delivery.source, self.queue):
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


Subscriber.consumer = None  # type: ignore[assignment]  # set below, once EventConsumer exists


def _delivery(headers: Mapping[str, Any]) -> Delivery:
    try:
        values = {name: headers[header] for name, header in _REQUIRED.items()}
        if not all(isinstance(value, str) for value in values.values()) or not values["id"] or not values["source"]:
            raise Poison("event.headers_invalid")
        version, district = headers.get(VERSION, 0), headers.get(DISTRICT, "")
        if not isinstance(version, int) or not isinstance(district, str):
            raise Poison("event.headers_invalid")
        values["time"] = datetime.fromisoformat(values["time"])
        if values["time"].tzinfo is None:
            raise Poison("event.headers_invalid")
    except KeyError:
        raise Poison("event.headers_missing") from None
    except ValueError:
        raise Poison("event.headers_invalid") from None
    attempts = headers.get(ATTEMPTS, 0)
    attempt = attempts + 1 if isinstance(attempts, int) else 1
    return Delivery(
        **values, version=version, district=district, headers=headers, traceparent=extract(headers), attempt=attempt
    )


_REQUIRED = {"id": ID, "source": SOURCE, "type": TYPE, "subject": SUBJECT, "time": TIME}


def _vouched(message: Message, source: str, queue: str) -> bool:
    """Whether the broker's own checks say that `source` sent it: by its rights it may use no other's routing keys.

    What comes back from the ladder has its queue as routing key, which only the owner of the queue may use.
    """
    return message.routing_key == queue or message.routing_key.startswith(f"{source}.")


class _Work:
    """One message on its way through."""

    __slots__ = ("began", "message", "outcome", "subscriber")

    def __init__(self, subscriber: Subscriber, message: Message) -> None:
        self.subscriber, self.message = subscriber, message
        self.began = 0.0
        self.outcome = ""


class EventConsumer(SharedExtension):  # type: ignore[misc]
    """The one connection over which a process takes events, and what runs their handlers."""

    def __init__(self) -> None:
        super().__init__()
        self._subscribers: list[Subscriber] = []
        self._consumers: list[Consumer] = []
        self._waiting: deque[_Work] = deque()
        self._running: set[_Work] = set()
        self._free = Semaphore(AT_ONCE)
        self._wake: Event | None = None
        self._stopping = False
        self._drained: Event | None = None
        self._link: BrokerConnection | None = None

    def setup(self) -> None:
        if self._link is not None:
            return
        self._process: Process = self.container.config[PROCESS]
        self._rungs = self._process.settings.retry_ladder
        self._link = BrokerConnection(self._process.settings.amqp_url, f"{self.container.service_name}.events", confirms=True)

    def register(self, subscriber: Subscriber) -> None:
        self._subscribers.append(subscriber)

    def start(self) -> None:
        assert self._link is not None
        self._link.start()
        spawn(self._dispatch)
        for subscriber in self._subscribers:
            take = functools.partial(self._take, subscriber)
            self._consumers.append(self._link.consume(subscriber.queue, take, prefetch=PREFETCH))

    @property
    def ready(self) -> bool:
        """Whether events reach this process now."""
        return all(consumer.active for consumer in self._consumers)

    def drain(self) -> None:
        """Takes no more, gives back what has not begun, and waits for the rest as long as settings allow."""
        if self._drained is not None:
            self._drained.wait()
            return
        self._stopping, self._drained = True, Event()
        for consumer in self._consumers:
            consumer.cancel()
        while self._waiting:
            self._waiting.popleft().message.nack(requeue=True)
        self._wake_up()
        give_up = time.monotonic() + self._process.settings.drain_s
        while self._running and time.monotonic() < give_up:
            eventlet.sleep(0.02)
        self._drained.send()

    def stop(self) -> None:
        if self._link is not None:
            self._link.stop()

    def kill(self) -> None:
        if self._link is not None:
            self._link.stop(timeout_s=0.5)

    # In the connection's greenlet: nothing here may block.

    def _take(self, subscriber: Subscriber, message: Message) -> None:
        if self._stopping:
            message.nack(requeue=True)
            return
        self._waiting.append(_Work(subscriber, message))
        self._wake_up()

    def _wake_up(self) -> None:
        if self._wake is not None:
            wake, self._wake = self._wake, None
            wake.send()

    # In the dispatcher's greenlet, which may wait for a free place.

    def _dispatch(self) -> None:
        while not self._stopping:
            if not self._waiting:
                self._wake = Event()
                self._wake.wait()
                continue
            self._free.acquire()
            if not self._waiting:  # given back while we waited
                self._free.release()
                continue
            work = self._waiting.popleft()
            self._running.add(work)
            spawn(self._run, work)

    # In a greenlet of the message's own.

    def _run(self, work: _Work) -> None:
        work.began = time.monotonic()
        handler = work.subscriber.handler
        try:
            work.outcome = self._settle(work)
        except Exception:
            log.exception("a message could not be settled and goes back to its queue", extra={"handler": handler})
            work.message.nack(requeue=True)
            work.outcome = "given_back"
        finally:
            self._running.discard(work)
            self._free.release()
        EVENTS_HANDLED.labels(handler, work.outcome).inc()
        EVENT_HANDLE_SECONDS.labels(handler).observe(time.monotonic() - work.began)

    def _settle(self, work: _Work) -> str:
        """Handles the message and does with it what the outcome asks for; returns the outcome."""
        try:
            event, delivery = work.subscriber.read(work.message)
            outcome = self._handle(work.subscriber, event, delivery)
        except ContainerBeingKilled:
            outcome = "given_back"
        except Exception as error:
            return self._fail(work, error)
        if outcome == "given_back":
            work.message.nack(requeue=True)
        else:
            work.message.ack()
        return outcome

    def _handle(self, subscriber: Subscriber, event: Any, delivery: Delivery) -> str:
        """Runs the handler in one transaction with its inbox row; while our database is away, waits and tries again."""
        while True:
            try:
                with self._inbox(subscriber, delivery) as is_new:
                    if is_new:
                        self._call(subscriber, event, delivery)
                return "done" if is_new else "duplicate"
            except Fault as fault:
                if fault.code != "database.unavailable":
                    raise
            if not self._database_returns():
                return "given_back"

    @contextmanager
    def _inbox(self, subscriber: Subscriber, delivery: Delivery) -> Iterator[bool]:
        with self._process.database.transaction() as connection:
            row = (subscriber.handler, delivery.inbox_source, delivery.id)
            delivery.connection = connection
            yield connection.exec_driver_sql(_INBOX, row).rowcount == 1

    def _call(self, subscriber: Subscriber, event: Any, delivery: Delivery) -> None:
        """Runs the handler as a nameko worker, and raises here what it raised there."""
        raised: Event = Event()

        def hand_back(_: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
            raised.send(exc_info[1] if exc_info else None)
            return result, exc_info

        self.container.spawn_worker(subscriber, (event, delivery), {}, handle_result=hand_back)
        if (error := raised.wait()) is not None:
            raise error

    def _database_returns(self) -> bool:
        """Waits until the database answers; False if the process is to end first."""
        pause_s = PAUSE_S
        while not self._stopping:
            eventlet.sleep(pause_s)
            if self._process.database.ping():
                return True
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
        return False

    def _fail(self, work: _Work, error: Exception) -> str:
        """Moves the message to where the ladder says, and acks it there being told that it arrived."""
        subscriber, message = work.subscriber, work.message
        if UNREADABLE_HEADER in message.headers:
            # We hold a stand-in for its headers: the broker parks the original, by its queue's dead-letter policy.
            log.error("a message with unreadable headers is parked", extra={"handler": subscriber.handler})
            message.nack(requeue=False)
            return "parked"
        step = next_step(
            error,
            message.headers,
            queue=subscriber.queue,
            service=self.container.service_name,
            rungs=self._rungs,
            now=self._process.clock.now(),
        )
        told = {"handler": subscriber.handler, "reason": reason_of(error), "event_id": str(message.headers.get(ID, ""))}
        if fault_of(error) is None and not isinstance(error, Poison):
            log.error("a handler failed", exc_info=error, extra=told)
        if not self._publish(step.exchange, step.routing_key, message, step.headers):
            message.nack(requeue=True)
            return "given_back"
        message.ack()
        (log.error if step.parks else log.warning)("a message was %s", "parked" if step.parks else "put off", extra=told)
        return "parked" if step.parks else "retried"

    def _publish(self, exchange: str, key: str, message: Message, headers: dict[str, Any]) -> bool:
        assert self._link is not None
        came = message.properties
        properties = BasicProperties(
            content_type=came.content_type,
            headers=headers,
            delivery_mode=2,
            message_id=came.message_id,
            type=came.type,
            user_id=self._link.address.user or None,
        )
        pause_s = PAUSE_S
        for _ in range(PUBLISH_TRIES):
            try:
                confirm = self._link.publish_confirmed(exchange, key, message.body, properties, mandatory=True)
                if confirm.wait(CONFIRM_TIMEOUT_S) is Outcome.CONFIRMED:
                    return True
            except BrokerGone:
                pass
            eventlet.sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
        return False


Subscriber.consumer = EventConsumer()

__all__ = ["AT_ONCE", "Delivery", "EventConsumer", "Fault", "Kind", "Subscriber", "subscribe", "subscribe_raw"]
