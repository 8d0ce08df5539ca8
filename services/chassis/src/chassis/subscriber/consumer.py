"""What takes a process's events from the broker, runs their handlers and settles each message afterwards."""

from __future__ import annotations

import functools
import logging
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import eventlet
from eventlet.event import Event
from eventlet.semaphore import Semaphore
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import SharedExtension
from pika import BasicProperties

from chassis.broker import BrokerConnection, BrokerGone, Consumer, Message, Outcome
from chassis.errors import Fault, fault_of
from chassis.green import spawn
from chassis.ladder import Poison, Step, next_step, reason_of
from chassis.outbox import ID
from chassis.process import PROCESS, Process
from chassis.subscriber.delivery import Delivery
from chassis.telemetry.metrics import EVENT_HANDLE_SECONDS, EVENTS_HANDLED

if TYPE_CHECKING:
    from chassis.subscriber.entrypoint import Subscriber

log = logging.getLogger(__name__)

#: Deliveries a queue may have on hand; what is not begun when the process ends goes back.
PREFETCH = 16
#: Handlers running at once in a process, below the connections of its pool: calls need some too.
AT_ONCE = 8
CONFIRM_TIMEOUT_S = 10.0
PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
PUBLISH_TRIES = 5

#: What becomes of a message; the labels of the metric.
DONE, DUPLICATE, RETRIED, PARKED, GIVEN_BACK = "done", "duplicate", "retried", "parked", "given_back"
#: It does not concern this service.
IGNORED = "ignored"

_INBOX = "INSERT INTO inbox (handler, source, id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"


@dataclass(eq=False, slots=True)
class _Work:
    """One message on its way through."""

    subscriber: Subscriber
    message: Message


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
        self._link = BrokerConnection(
            self._process.settings.amqp_url, f"{self.container.service_name}.events", confirms=True
        )

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
        if self._link is None:
            return  # it was never set up: the service did not come so far
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
        began = time.monotonic()
        handler = work.subscriber.handler
        try:
            outcome = self._settle(work)
        except Exception:
            log.exception("a message could not be settled", extra={"handler": handler})
            outcome = GIVEN_BACK
        finally:
            self._running.discard(work)
            self._free.release()
        if outcome == GIVEN_BACK:
            work.message.nack(requeue=True)
        EVENTS_HANDLED.labels(handler, outcome).inc()
        EVENT_HANDLE_SECONDS.labels(handler).observe(time.monotonic() - began)

    def _settle(self, work: _Work) -> str:
        """Handles the message, or sends it where the ladder says; then acks it. Returns what became of it."""
        try:
            event, delivery = work.subscriber.read(work.message)
            outcome = self._handle(work.subscriber, event, delivery) if work.subscriber.concerns(event) else IGNORED
        except ContainerBeingKilled:
            return GIVEN_BACK
        except Exception as error:
            return self._fail(work, error)
        if outcome != GIVEN_BACK:
            work.message.ack()
        return outcome

    def _handle(self, subscriber: Subscriber, event: Any, delivery: Delivery) -> str:
        """Runs the handler in one transaction with its inbox row; while our database is away, waits and tries again."""
        while True:
            try:
                with self._inbox(subscriber, delivery) as is_new:
                    if is_new:
                        self._call(subscriber, event, delivery)
                return DONE if is_new else DUPLICATE
            except Fault as fault:
                if fault.code != "database.unavailable":
                    raise
            if not self._database_returns():
                return GIVEN_BACK

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
        """Moves the message to where the ladder says, and acks it here once it has arrived there."""
        subscriber, message = work.subscriber, work.message
        told = {"handler": subscriber.handler, "reason": reason_of(error), "event_id": str(message.headers.get(ID, ""))}
        if fault_of(error) is None and not isinstance(error, Poison):
            log.error("a handler failed", exc_info=error, extra=told)
        step = next_step(
            error,
            message.headers,
            queue=subscriber.queue,
            service=self.container.service_name,
            rungs=self._rungs,
            now=self._process.clock.now(),
        )
        if not self._publish(step, message):
            return GIVEN_BACK
        message.ack()
        if step.parks:
            log.error("a message is parked", extra=told)
            return PARKED
        log.warning("a message is tried again later", extra=told)
        return RETRIED

    def _publish(self, step: Step, message: Message) -> bool:
        """Whether the message has arrived there; tried for a while, because giving it back begins all over."""
        assert self._link is not None
        came = message.properties
        properties = BasicProperties(
            content_type=came.content_type,
            headers=step.headers,
            delivery_mode=2,
            message_id=came.message_id,
            type=came.type,
            user_id=self._link.address.user or None,
        )
        pause_s = PAUSE_S
        for _ in range(PUBLISH_TRIES):
            try:
                confirm = self._link.publish_confirmed(step.exchange, step.routing_key, message.body, properties)
                if confirm.wait(CONFIRM_TIMEOUT_S) is Outcome.CONFIRMED:
                    return True
            except BrokerGone:
                pass
            eventlet.sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
        return False
