"""Sends to one peer: its own connection to the peer's broker, its own pace. A dead or silent peer delays nobody else.

Woken by the store; otherwise it looks when the next message is due. Publishes a batch at once and waits for the
confirms; a confirm is not the end of a message, only the peer's receipt is. The control lane goes first.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from random import random
from urllib.parse import urlencode
from uuid import UUID

import eventlet
from chassis.broker import BrokerConnection, BrokerGone, Confirm, Outcome
from chassis.errors import Fault
from chassis.green import spawn
from chassis.outbox import TRACEPARENT
from chassis.pace import Pace
from eventlet.event import Event
from pika import BasicProperties

from courier.adapters.link_storage import LinkBooks
from courier.adapters.metrics import CHUNKS_SENT, PUBLISHED
from courier.adapters.office import SPACING_S, Office
from courier.domain.canonical import digest
from courier.domain.envelope import Bulk, Claims, Control, encode, join
from courier.domain.errors import Rejected
from courier.domain.registry import Member
from courier.domain.retry import pause
from courier.usecases.ports import Connection, Due, Told

log = logging.getLogger(__name__)

EXCHANGE = "courier.in"
CONTENT_TYPE = "application/tongban-envelope"
#: So many may be without a receipt before more are published: a peer that is slow is not buried in repeats.
WINDOW = 1000
#: How long a batch's confirms may take.
CONFIRM_S = 15.0
POLL_S = 2.0
#: How long a receipt may take before the publish is noted in the books.
NOTE_S = 1.0
PAUSE_S = 1.0
CONTROL_LIMIT = 5000
#: So many chunks go out before other lanes have their turn again, and so many may be asked for.
CHUNKS_AT_ONCE, CHUNKS_LIMIT = 4, 1000


class PeerSender:
    """The way to one peer."""

    def __init__(self, office: Office, peer: Member) -> None:
        self.peer = peer.code
        self.address = peer.broker
        self.trusted = trusted_certificates(peer, office.now())
        self._office = office
        # A file in memory: nothing of it stays on a disk, however this process ends.
        self._certificates = os.memfd_create(f"courier-{peer.code}", os.MFD_CLOEXEC)
        os.write(self._certificates, self.trusted.encode())
        self._control: deque[Told] = deque(maxlen=CONTROL_LIMIT)
        self._again: deque[tuple[str, str, str]] = deque(maxlen=CONTROL_LIMIT)
        #: Digests of chunks that the peer asked for, in that order.
        self._asked: dict[str, None] = {}
        #: Published, and neither settled nor noted in the books: how often it went, and when it last did.
        self._under_way: dict[str, tuple[int, float]] = {}
        self._wake = Event()
        self._pace = Pace(SPACING_S)
        self._stopping = False
        self._lost_at: datetime | None = office.now()
        self._link = BrokerConnection(self._url(), f"courier.{self.peer}", confirms=True)

    def start(self) -> None:
        self._link.start()
        self._task = spawn(self._run)

    def stop(self) -> None:
        self._stopping = True
        self.wake()
        self._task.kill()
        self._link.stop(1.0)
        os.close(self._certificates)

    def connection(self) -> Connection:
        """Whether there is a connection, and since when there is none; asked once a second, so that it knows."""
        if self._link.connected:
            self._lost_at = None
        elif self._lost_at is None:
            self._lost_at = self._office.now()
        return Connection(self._lost_at is None, self._lost_at)

    def tell(self, told: Told) -> None:
        """Puts something into the control lane."""
        self._control.append(told)
        self.wake()

    def send_again(self, envelopes: Sequence[tuple[str, str, str]]) -> None:
        """(jws, jwe, trace) of what the peer is missing."""
        self._again.extend(envelopes)
        self.wake()

    def give(self, digests: Sequence[str]) -> None:
        """Sends chunks after everything else: they delay nothing."""
        self._asked.update(dict.fromkeys(digests[: CHUNKS_LIMIT - len(self._asked)]))
        self.wake()

    def wake(self) -> None:
        """There is something to send."""
        if not self._wake.ready():
            self._wake.send()

    def _url(self) -> str:
        settings = self._office.settings
        options = {
            "cacertfile": f"/proc/self/fd/{self._certificates}",
            "certfile": str(settings.courier_certificate),
            "keyfile": str(settings.courier_certificate_key),
        }
        return f"amqps://{self.address}/courier?{urlencode(options)}"

    def _run(self) -> None:
        while not self._stopping:
            self._wake = Event()
            try:
                if self._link.wait_connected(POLL_S) and not self._office.closed:
                    self._pace.wait()
                    self._pace.begin()
                    if (rest_s := self._send_round()) > 0:
                        self._rest(rest_s)
                    continue
            except BrokerGone:
                pass
            except Fault as fault:
                log.warning("sending to %s waits: %s", self.peer, fault.code)
            except Exception:
                log.exception("sending to %s failed and goes on", self.peer)
            self._rest(PAUSE_S)

    def _rest(self, seconds: float) -> None:
        with eventlet.Timeout(max(0.01, seconds), False):
            self._wake.wait()

    def _until(self, due: datetime | None) -> float:
        wait_s = POLL_S if due is None else (due - self._office.now()).total_seconds()
        return max(0.01, min(NOTE_S if self._under_way else POLL_S, wait_s))

    @property
    def _held_back(self) -> bool:
        """Whether messages wait because the registry suspends the peer."""
        return not self._office.trust.linked(self.peer) or self._office.trust.suspended(self.peer)

    def _send_round(self) -> float:
        """Sends what there is, once; returns for how many seconds there is nothing to do, unless somebody wakes us."""
        self._send_control()
        self._note_late()
        if self._held_back:
            return POLL_S
        for jws, jwe, trace in self._take_again():
            self._publish(jws, jwe, trace)
        office = self._office
        with office.look(LinkBooks) as books:
            now = office.now()
            waiting, next_due = books.waiting(self.peer, now)
            room = WINDOW - len(self._under_way) - waiting
            limit = min(office.settings.courier_batch, room)
            rows = books.due(self.peer, now, limit, self._under_way) if limit > 0 else []
        if rows:
            self._send(rows)
        self._send_chunks()
        again = 0 < limit == len(rows) or self._control or self._again or self._asked
        return 0.0 if again else self._until(next_due)

    def _send_chunks(self) -> None:
        """A few of the chunks that the peer asked for; then other lanes have their turn again."""
        digests = list(self._asked)[:CHUNKS_AT_ONCE]
        if not digests:
            return
        with self._office.books(LinkBooks) as books:
            kept = books.chunks(self.peer, digests)
        confirms = []
        for digest_of_it in digests:
            self._asked.pop(digest_of_it, None)
            if (jwe := kept.get(digest_of_it)) is None:
                log.error("%s asks for a chunk that is not kept any more", self.peer)
            elif (jws := self._sign(Bulk.CHUNK, jwe)) is not None:
                body, properties = join(jws, jwe), self._properties("")
                confirms.append(self._link.publish_confirmed(EXCHANGE, "", body, properties, mandatory=True))
        with eventlet.Timeout(CONFIRM_S, False):
            sent = sum(confirm.wait(CONFIRM_S) is Outcome.CONFIRMED for confirm in confirms)
            CHUNKS_SENT.labels(self.peer).inc(sent)

    def _send(self, rows: Sequence[Due]) -> None:
        office = self._office
        sending = [(row, self._publish(row.jws, row.sealed, row.trace)) for row in rows]
        if office.settings.crash_at or office.settings.crash_file:
            eventlet.sleep(0.05)  # what is published is in the buffer until the next turn of the hub
            office.crash.at("after_publish_before_confirm")
        # Its receipt may overtake the last confirm of the batch.
        self._under_way.update((row.id, (row.attempts + 1, time.monotonic())) for row in rows)
        confirmed = self._confirmed(sending)
        office.crash.at("after_confirm_before_marked")
        PUBLISHED.labels(self.peer).inc(len(confirmed))
        if "receipt" in office.settings.courier_without:
            with office.books(LinkBooks) as books:
                books.mark_closed(self.peer, [row.id for row in confirmed], office.now())
        if len(confirmed) < len(rows):
            for row in set(rows) - set(confirmed):
                self._under_way.pop(row.id, None)
            eventlet.sleep(PAUSE_S)

    def _take_again(self) -> list[tuple[str, str, str]]:
        taken = list(self._again)[: self._office.settings.courier_batch]
        for _ in taken:
            self._again.popleft()
        return taken

    def _publish(self, jws: str, jwe: str, trace: str) -> Confirm:
        return self._link.publish_confirmed(EXCHANGE, "", join(jws, jwe), self._properties(trace), mandatory=True)

    def _properties(self, trace: str) -> BasicProperties:
        headers = {TRACEPARENT: trace} if trace else {}
        return BasicProperties(
            content_type=CONTENT_TYPE, delivery_mode=2, headers=headers, user_id=f"courier.{self._office.home}"
        )

    def _confirmed(self, sending: Sequence[tuple[Due, Confirm]]) -> list[Due]:
        confirmed = []
        with eventlet.Timeout(CONFIRM_S, False):
            for row, confirm in sending:
                outcome = confirm.wait(CONFIRM_S)
                if outcome is Outcome.CONFIRMED:
                    confirmed.append(row)
                elif outcome is not Outcome.UNKNOWN:
                    log.warning("the broker of %s does not take a message: %s", self.peer, outcome.value)
        return confirmed

    def forget(self, id: str) -> None:
        """It has its receipt."""
        if self._under_way.pop(id, None) is not None and len(self._under_way) < WINDOW // 2:
            self.wake()

    def _note_late(self) -> None:
        """Notes in the books what was published a moment ago and has no receipt yet.

        Most receipts come first, and then nothing needs to be written. What a crash forgets goes out once more.
        """
        before = time.monotonic() - NOTE_S
        late = {id: attempts for id, (attempts, at) in self._under_way.items() if at < before}
        if not late:
            return
        now, first_s = self._office.now(), self._office.settings.courier_retry_s
        due = {id: now + pause(attempts, random(), first_s) for id, attempts in late.items()}  # noqa: S311 -- no secret
        with self._office.books(LinkBooks) as books:
            books.mark_published(self.peer, due)
        for id in late:
            self._under_way.pop(id, None)

    # The control lane -----------------------------------------------------------------------------------------------------

    def _send_control(self) -> None:
        for _ in range(len(self._control)):
            told = self._control[0]
            late = told.valid_until is not None and self._office.now() > told.valid_until
            if not late and (not self._held_back or told.type == Control.RECEIPT):
                self._publish_control(told)
            self._control.popleft()

    def _publish_control(self, told: Told) -> None:
        office = self._office
        assert office.seals is not None
        try:
            sealed = office.seals.seal(self.peer, "", told.body, office.now())
        except Rejected as refusal:
            log.error("nothing can be sent to %s: %s", self.peer, refusal)
            return
        jws = self._sign(told.type, sealed, valid_until=told.valid_until, answers_to=told.answers_to)
        if jws is not None:
            self._link.publish(EXCHANGE, "", join(jws, sealed), self._properties(""))

    def _sign(
        self, type: str, sealed: str, *, valid_until: datetime | None = None, answers_to: UUID | None = None
    ) -> str | None:
        """The signed claims of a message without a number; None where there is no key to sign with."""
        office, now = self._office, self._office.now()
        assert office.seals is not None
        claims = Claims(
            id=office.process.new_id(),
            source=office.home,
            target=self.peer,
            epoch=office.head.epoch,
            number=0,
            subject="link",
            subject_seq=0,
            type=type,
            schema=1,
            time=now,
            agreement=0,
            head=office.head,
            body=digest(sealed.encode("ascii")),
            valid_until=valid_until,
            answers_to=answers_to,
        )
        try:
            # The registry that shows a new key must not come signed with it: nobody there would believe it yet.
            return office.seals.sign(encode(claims), now, longest_known=type == Control.REGISTRY_OFFERED)
        except Rejected as refusal:
            log.error("nothing can be sent to %s: %s", self.peer, refusal)
            return None


def trusted_certificates(peer: Member, now: datetime) -> str:
    """The PEM certificates that the peer's broker is verified with: those of the registry that have not ended."""
    shown = [key for key in peer.keys if key.use == "tls"]
    return "\n".join(key.public for key in shown if key.valid_until is None or now < key.valid_until)
