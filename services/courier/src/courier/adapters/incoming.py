"""Takes what peers write into our broker: a batch is checked, stored in one transaction, answered, and then acked.

What nobody can be held to goes into quarantine and gets no answer. While links are closed (the registry expired) what
arrives is let go unanswered: its sender keeps it and sends it again.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import eventlet
from chassis.amqp import UNREADABLE_HEADER
from chassis.broker import BrokerConnection, Consumer, Message
from chassis.errors import Fault
from chassis.green import spawn
from chassis.pace import Pace
from chassis.telemetry import current_traceparent, extract, span
from eventlet.event import Event

from courier import messages
from courier.adapters.chunks import Chunks
from courier.adapters.controls import Controls
from courier.adapters.metrics import QUARANTINED, TAKEN, UNANSWERED
from courier.adapters.office import SPACING_S, Office
from courier.adapters.take_storage import TakeBooks
from courier.domain.canonical import digest
from courier.domain.envelope import Claims, Control, Lane, decode
from courier.domain.errors import Malformed, Rejected, Unauthenticated
from courier.domain.registry import State
from courier.usecases.ports import Arrived, Quarantined, Told
from courier.usecases.take_messages import Means, take_messages

log = logging.getLogger(__name__)

QUEUE = "courier.in"
PAUSE_S = 1.0
TRIES = 3


@dataclass
class _Batch:
    """What came, sorted."""

    numbered: list[Arrived] = field(default_factory=list)
    control: list[tuple[Claims, str, bytes]] = field(default_factory=list)
    chunks: list[tuple[Claims, str]] = field(default_factory=list)
    aside: list[Quarantined] = field(default_factory=list)


class Incoming:
    """The consumer of the queue that peers write to."""

    def __init__(self, office: Office, controls: Controls, give: Callable[[str, Sequence[str]], None]) -> None:
        self._office, self._controls = office, controls
        self.chunks = Chunks(office, give, self._settle_whole)
        self._waiting: deque[Message] = deque()
        self._wake = Event()
        self._pace = Pace(SPACING_S)
        self._stopping = False
        self._busy = False
        self._consumer: Consumer | None = None
        self._link = BrokerConnection(office.settings.courier_inbox_url, "courier.incoming")

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

    def _work(self, batch: Sequence[Message], tries: int = 0) -> None:
        """Ends only when every message of the batch is settled, or given back."""
        try:
            self._settle(self._sort(batch))
        except Fault as fault:
            log.warning("what arrived waits: %s", fault.code)
            eventlet.sleep(PAUSE_S)
            if not self._stopping:
                self._work(batch, tries)
                return
            for message in batch:
                message.nack(requeue=True)
            return
        except Exception:
            log.exception("a batch of what arrived failed")
            if len(batch) > 1:
                for message in batch:
                    self._work([message])
                return
            if tries < TRIES:
                eventlet.sleep(PAUSE_S)
                self._work(batch, tries + 1)
                return
            # Its sender gets no receipt and sends it again; a person sees the light.
            self._set_aside([self._kept_aside(batch[0], "courier.failed", "")])
        for message in batch:
            message.ack()

    # Reading ----------------------------------------------------------------------------------------------------------------

    def _sort(self, batch: Sequence[Message]) -> _Batch:
        found = _Batch()
        for message in batch:
            try:
                if UNREADABLE_HEADER in message.headers:
                    raise Malformed("headers_unreadable")
                self._read(message, found)
            except (Malformed, Unauthenticated) as error:
                source = error.detail if isinstance(error, Unauthenticated) else ""
                found.aside.append(self._kept_aside(message, error.code, source))
        return found

    def _read(self, message: Message, found: _Batch) -> None:
        seals = self._office.seals
        assert seals is not None
        claims, jws, sealed = seals.open_envelope(message.body)
        if claims.lane is Lane.CONTROL:
            if not self._office.trust.suspended(claims.source) or claims.type == Control.RECEIPT:
                found.control.append((claims, jws, seals.unseal(sealed).message))
            return
        if self._office.closed:
            UNANSWERED.inc()
            return
        if claims.lane is Lane.CHUNK:
            if not self._office.trust.suspended(claims.source):
                found.chunks.append((claims, sealed))
            return
        attributes = {"tongban.event.type": claims.type, "tongban.peer": claims.source}
        parent = extract(message.headers)
        with span(f"take {claims.type.rpartition('.')[2]}", kind="consumer", attributes=attributes, parent=parent):
            trace = current_traceparent() or parent
            found.numbered.append(self._arrived(claims, jws, sealed, trace))

    def _arrived(self, claims: Claims, jws: str, sealed: str, trace: str) -> Arrived:
        signed = digest(jws.encode("ascii"))
        registry, seals = self._office.trust.registry, self._office.seals
        assert registry is not None and seals is not None
        if registry.members[claims.source].state is State.SUSPENDED:
            return Arrived(claims, jws, signed, sealed, trace, refusal=Rejected("member_suspended"))
        try:
            opened = seals.unseal(sealed)
        except Malformed as error:
            return Arrived(claims, jws, signed, sealed, trace, refusal=Rejected(error.code))
        body = opened.message if opened.manifest is None else None
        return Arrived(claims, jws, signed, sealed, trace, opened.opens, body, manifest=opened.manifest)

    def _kept_aside(self, message: Message, code: str, source: str) -> Quarantined:
        office = self._office
        writer = message.properties.user_id or ""
        return Quarantined(office.process.new_id(), office.now(), writer, source, code, len(message.body), message.body)

    # Writing ----------------------------------------------------------------------------------------------------------------

    def _settle(self, batch: _Batch) -> None:
        if batch.aside:
            self._set_aside(batch.aside)
        if batch.numbered:
            self._store(batch.numbered)
        if batch.control:
            self._controls.take(batch.control)
        if batch.chunks:
            self.chunks.take(batch.chunks)

    def _settle_whole(self, source: str, whole: list[tuple[str, str, str]]) -> None:
        """What was kept until its last chunk came is judged as if it arrived now."""
        seals = self._office.seals
        assert seals is not None
        for jws, sealed, trace in whole:
            self._store([self._arrived(decode(seals.payload(jws)), jws, sealed, trace)])

    def _set_aside(self, things: Sequence[Quarantined]) -> None:
        with self._office.books(TakeBooks) as books:
            for thing in things:
                books.quarantine(thing)
        for thing in things:
            QUARANTINED.labels(thing.code).inc()
            log.error("something from %s is in quarantine: %s", thing.written_by or "somebody", thing.code)

    def _store(self, numbered: Sequence[Arrived]) -> None:
        office = self._office
        assert office.seals is not None
        means = Means(
            office.trust,
            office.seals,
            office.now(),
            office.process.new_id,
            office.clock_differences,
            replay_stopped="replay" not in office.settings.courier_without,
            body_limit=office.settings.courier_body_limit,
        )
        with office.books(TakeBooks) as books:
            taken = take_messages(books, numbered, means)
        office.crash.at("after_peer_commit_before_receipt")
        for peer, jws in taken.receipts:
            office.tell(Told(peer, Control.RECEIPT, messages.receipt(jws)))
        for peer, version in sorted(taken.agreements):
            log.warning("%s opened something under agreement %d, which is not here: it waits", peer, version)
            office.tell(Told(peer, Control.AGREEMENT_WANTED, messages.agreement_wanted(version)))
        if taken.chunks:
            self.chunks.ask()
        for item in numbered:
            TAKEN.labels(item.claims.source).inc()
