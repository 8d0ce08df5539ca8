"""Takes what services' relays hand over: a batch gets its numbers in one transaction and is acked after the commit."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import eventlet
from chassis.amqp import UNREADABLE_HEADER
from chassis.broker import BrokerConnection, Consumer, Message
from chassis.errors import Fault
from chassis.green import spawn
from chassis.outbox import ID
from chassis.pace import Pace
from chassis.sealed import SealBroken
from chassis.telemetry import current_traceparent, extract, span
from eventlet.event import Event

from courier import messages
from courier.adapters.metrics import SENT, UNSENT
from courier.adapters.office import SPACING_S, Office
from courier.adapters.send_storage import SendBooks
from courier.domain.errors import Malformed
from courier.usecases.ports import Outbound, Signed
from courier.usecases.send_messages import Prepared, prepare, send_messages

log = logging.getLogger(__name__)

QUEUE = "evt.courier.outbound"
PAUSE_S = 1.0


class Outgoing:
    """The consumer of the queue in which messages for other districts arrive."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._waiting: deque[Message] = deque()
        self._wake = Event()
        self._pace = Pace(SPACING_S)
        self._stopping = False
        self._busy = False
        self._consumer: Consumer | None = None
        self._link = BrokerConnection(office.settings.amqp_url, "courier.outgoing")

    def start(self) -> None:
        self._link.start()
        self._task = spawn(self._run)

    def begin(self) -> None:
        """Begins to consume: there is a registry now."""
        if self._consumer is None:
            self._consumer = self._link.consume(QUEUE, self._take, prefetch=3 * self._office.settings.courier_batch)

    @property
    def ready(self) -> bool:
        return self._consumer is None or self._consumer.active

    def stop(self) -> None:
        """Takes no more, finishes the batch under way, gives the rest back."""
        self._stopping = True
        if self._consumer is not None:
            self._consumer.cancel()
        while self._waiting:
            self._waiting.popleft().nack(requeue=True)
        with eventlet.Timeout(self._office.settings.drain_s, False):
            while self._busy:
                eventlet.sleep(0.02)
        self._task.kill()
        self._link.stop()

    def _take(self, message: Message) -> None:
        if self._stopping:
            message.nack(requeue=True)
            return
        self._waiting.append(message)
        if not self._wake.ready():
            self._wake.send()

    def _run(self) -> None:
        while not self._stopping:
            if not self._waiting:
                self._wake = Event()
                self._wake.wait()
                continue
            if len(self._waiting) < self._office.settings.courier_batch:
                self._pace.wait()
            self._pace.begin()
            batch = [
                self._waiting.popleft() for _ in range(min(len(self._waiting), self._office.settings.courier_batch))
            ]
            self._busy = True
            self._work(batch)
            self._busy = False

    def _work(self, batch: Sequence[Message]) -> None:
        """Ends only when every message of the batch is stored and acked, parked, or given back."""
        while True:
            try:
                self._store(batch)
            except Fault as fault:
                log.warning("messages for other districts wait: %s", fault.code)
                if self._stopping:
                    break
                eventlet.sleep(PAUSE_S)
                continue
            except Exception:
                log.exception("a batch of messages for other districts failed")
                if len(batch) > 1:
                    for message in batch:
                        self._work([message])
                else:
                    batch[0].nack(requeue=False)  # parked, by the queue's dead-letter policy
            return
        for message in batch:
            message.nack(requeue=True)

    def _store(self, batch: Sequence[Message]) -> None:
        office = self._office
        assert office.seals is not None
        read = [(message, self._read(message)) for message in batch]
        now = office.now()
        prepared = [self._prepare(outbound) for _, outbound in read if outbound is not None]
        if "late_ack" in office.settings.courier_without:
            _ack(read)
        if prepared:
            with office.books(SendBooks) as books:
                signed, refused = send_messages(
                    books, prepared, office.trust, office.seals, now, limit=office.settings.courier_body_limit
                )
                office.crash.at("before_commit")
            office.crash.at("after_commit_before_ack")
            self._count(signed, refused)
        if "late_ack" not in office.settings.courier_without:
            _ack(read)

    def _read(self, message: Message) -> Outbound | None:
        try:
            if UNREADABLE_HEADER in message.headers:
                raise Malformed("headers_unreadable")
            outbound = messages.outbound(message.headers, message.body)
            body = self._office.process.transit.open(message.body, id=message.headers[ID], type=outbound.type)
            # The broker lets a service use its own keys only; what was parked and replayed has the queue as its key.
            if message.routing_key != QUEUE and not message.routing_key.startswith(f"{outbound.service}."):
                raise Malformed("source_forged")
        except Malformed as error:
            log.error("a message for another district is parked: %s", error)
            return None
        except SealBroken:
            log.error("a message for another district is parked: its transit seal does not open")
            return None
        return replace(outbound, body=body)

    def _prepare(self, outbound: Outbound) -> Prepared:
        office = self._office
        assert office.seals is not None
        attributes = {"tongban.event.type": outbound.type, "messaging.message.id": str(outbound.id)}
        parent = extract({"traceparent": outbound.trace})
        with span(f"send {outbound.type.rpartition('.')[2]}", kind="producer", attributes=attributes, parent=parent):
            traced = replace(outbound, trace=current_traceparent() or outbound.trace)
            return prepare(traced, office.trust, office.seals, office.now(), office.settings.courier_body_limit)

    def _count(self, signed: Sequence[Signed], refused: Sequence[str]) -> None:
        for message in signed:
            SENT.labels(message.claims.target).inc()
        for code in refused:
            UNSENT.labels(code).inc()
        self._office.wake(sorted({message.claims.target for message in signed}))


def _ack(read: Sequence[tuple[Message, Outbound | None]]) -> None:
    for message, outbound in read:
        if outbound is None:
            message.nack(requeue=False)
        else:
            message.ack()
