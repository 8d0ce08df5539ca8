"""Moves a service's outbox to the broker: nothing lost, whatever stops, dies or lies in between.

    take   one transaction locks a batch of waiting rows, picked by state (`FOR UPDATE SKIP LOCKED`), never by
           "id greater than": an id is not commit order
    send   all of them at once, mandatory; every confirm is waited for
    mark   the same transaction marks what the broker took, and commits

The lock is the claim: it costs no write of its own and ends with its session. A relay that dies frees its rows at once;
one that is stopped loses its session after `HOLD_S` (idle_in_transaction_session_timeout), others take over, and when it
is continued its mark fails and is rolled back. Either way some messages go out twice, and the inbox makes them once.
Several relays of one service share the work without knowing of each other. The process that commits wakes its own relay,
and tells the others (NOTIFY) only where its own has no connection. A relay that was idle sends at once; one that is busy leaves
`SPACING_S` between the beginnings of its batches, so that under load a batch holds many rows instead of one or two.

A broker that comes back empty has no message in `marker.<service>`. Then every row of the last seven days is made
waiting again, and only after that commit does the marker return: from there on the database knows what is to be sent.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import eventlet
import psycopg2
from eventlet.event import Event
from eventlet.hubs import trampoline
from pika import BasicProperties
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker
from psycopg2.extras import execute_values

from chassis.amqp import GreenChannel
from chassis.broker import BrokerConnection, BrokerGone, Confirm, Outcome
from chassis.database import WAKE_CHANNEL, FrugalConnection, open_session
from chassis.green import spawn
from chassis.logs import get_logger
from chassis.outbox import DATA_CONTENT_TYPE, TRACEPARENT
from chassis.pace import Pace
from chassis.telemetry import Publication, published
from chassis.telemetry.metrics import (
    OUTBOX_OLDEST_SECONDS,
    OUTBOX_PUBLISHED,
    OUTBOX_RESENT,
    OUTBOX_UNROUTABLE,
    OUTBOX_WAITING,
)
from chassis.wire import PROTOBUF

log = get_logger(__name__)

BATCH = 250
BATCH_BYTES = 8 * 1024 * 1024
#: From the beginning of a batch that was not full to that of the next one.
SPACING_S = 0.025
#: How often an idle relay looks although nobody woke it.
POLL_S = 5.0
#: How long the broker may leave a batch unanswered: under a memory or disk alarm it takes nothing and says nothing.
CONFIRM_TIMEOUT_S = 10.0
#: After this long without a word from the relay the server ends its transaction and frees the rows; above the time-out.
HOLD_S = 20.0
HOUSEKEEPING_S = 10.0
RETENTION = "7 days"
DELETE_BATCH = 500
PAUSE_S, LONGEST_PAUSE_S = 0.5, 5.0

MARKER_EXCHANGE = "marker"

_TAKE = """
    WITH picked AS MATERIALIZED (
        SELECT id, due_at, octet_length(body) AS size FROM outbox
        WHERE confirmed_at IS NULL AND due_at <= statement_timestamp()
        ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
    ), placed AS (
        SELECT id, due_at, sum(size) OVER (ORDER BY due_at, id) - size AS before FROM picked
    )
    SELECT id::text, exchange, routing_key, type, headers, body FROM outbox JOIN placed USING (id)
    WHERE before < %s ORDER BY placed.due_at, id
"""
_MARK = "UPDATE outbox SET confirmed_at = now(), failure = NULL WHERE id = ANY(%s::uuid[])"
_POSTPONE = """
    UPDATE outbox SET attempts = attempts + 1, failure = failed.why,
        due_at = clock_timestamp() + least(power(2, least(attempts, 20)), 300) * interval '1 second'
    FROM (VALUES %s) AS failed (id, why) WHERE outbox.id = failed.id::uuid
"""
# Waiting rows are touched too: one that another relay has under way is locked and may carry a confirm that the lost
# broker gave. The update waits for that relay and then takes its mark away again.
_RESEND = """
    UPDATE outbox SET confirmed_at = NULL, due_at = clock_timestamp()
    WHERE confirmed_at IS NULL OR confirmed_at > now() - %s::interval
"""
_DELETE = """
    DELETE FROM outbox WHERE id IN (
        SELECT id FROM outbox WHERE confirmed_at <= now() - %s::interval LIMIT %s FOR UPDATE SKIP LOCKED)
"""
_WAITING = """
    SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(written_at)), 0)
    FROM outbox WHERE confirmed_at IS NULL
"""
_NEXT_DUE = "SELECT extract(epoch FROM min(due_at) - clock_timestamp()) FROM outbox WHERE confirmed_at IS NULL"
_RESEND_LOCK = "SELECT pg_advisory_xact_lock(hashtext('tongban relay resend'))"


class Unconfirmed(Exception):
    """Part of a batch has no answer from the broker: it waits in the outbox and goes out again."""


@dataclass(frozen=True, slots=True)
class Row:
    """One message of the outbox as it goes out."""

    id: str
    exchange: str
    routing_key: str
    type: str
    headers: dict[str, Any]
    body: bytes = field(repr=False)


def _refusal(reason: Exception | None) -> int:
    """The broker's code if it hung up because of something in a message (AMQP 0-9-1, 1.2 "Reply codes"), else 0."""
    refused = isinstance(reason, ChannelClosedByBroker) or (
        isinstance(reason, ConnectionClosedByBroker) and 500 <= reason.reply_code < 600
    )
    return reason.reply_code if refused else 0  # type: ignore[union-attr]  # both have one


def _end(spans: Sequence[Publication | None], outcomes: Sequence[Outcome]) -> None:
    """What the broker said nothing of goes out again, and has its span then."""
    for span, outcome in zip(spans, outcomes, strict=True):
        if span is not None and outcome is not Outcome.UNKNOWN:
            span.end("" if outcome is Outcome.CONFIRMED else outcome.value)


class Relay:
    """The relay of one process, in a greenlet of its own with its own connections to database and broker."""

    def __init__(
        self,
        database_url: str,
        amqp_url: str,
        service: str,
        *,
        batch: int = BATCH,
        poll_s: float = POLL_S,
        hold_s: float = HOLD_S,
        confirm_timeout_s: float = CONFIRM_TIMEOUT_S,
    ) -> None:
        self._database_url, self._amqp_url, self._service = database_url, amqp_url, service
        self._batch, self._poll_s, self._hold_s, self._confirm_timeout_s = batch, poll_s, hold_s, confirm_timeout_s
        self._link = self._new_link()
        self._marker_missing = False
        self._brokers_seen = 0
        self._lost_for: Exception | None = None
        self._one_by_one = 0
        self._pause_s = PAUSE_S
        self._housekept_at = 0.0
        self._stopping = False
        self._asleep = False
        self._task: Any = None
        self._woken: Event = Event()
        self._pace = Pace(SPACING_S)
        #: Whether rows may wait for a later moment: then it is asked when the next is due.
        self._postponed = True

    def start(self) -> None:
        """Begins; returns at once, whether broker and database are there or not."""
        self._link.start()
        self._task = spawn(self._run)

    def stop(self, timeout_s: float = 5.0) -> None:
        """Ends after the batch under way; what is not marked by then goes out again at the next start."""
        self._stopping = True
        if self._task is not None:
            if not self._asleep:
                with eventlet.Timeout(timeout_s, False):
                    self._task.wait()
            self._task.kill()
        self._link.stop(timeout_s)

    @property
    def connected(self) -> bool:
        """Whether the broker can be reached now; for readiness."""
        return self._link.connected

    def nudge(self) -> bool:
        """There is something to send; False where this relay cannot send now and others have to be told."""
        if not self._woken.ready():
            self._woken.send()
        return self.connected and not self._stopping

    def _new_link(self) -> BrokerConnection:
        return BrokerConnection(
            self._amqp_url,
            f"{self._service} relay",
            confirms=True,
            prepare=self._look_for_marker,
            on_lost=self._note_loss,
        )

    def _note_loss(self, reason: Exception) -> None:
        self._lost_for = reason

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._serve()
            except psycopg2.Error as error:
                log.warning("the relay lost the database", error=type(error).__name__)
            except Exception:
                log.exception("the relay failed and starts again")
            self._sleep_s(PAUSE_S)

    def _serve(self) -> None:
        """Relays until told to stop. Raises when the database is lost."""
        open_one = partial(
            open_session,
            self._database_url,
            application_name=f"{self._service} relay",
            idle_in_transaction_s=self._hold_s,
        )
        with open_one(kind=FrugalConnection) as work, open_one() as ear:
            ear.autocommit = True
            with ear.cursor() as cursor:
                cursor.execute(f"LISTEN {WAKE_CHANNEL}")
            listening = spawn(self._listen, ear)
            try:
                while not self._stopping:
                    if not self._is_connected():
                        continue
                    if listening.dead:
                        listening.wait()  # raises what ended it
                    self._turn_or_wait(work)
            finally:
                listening.kill()

    def _listen(self, ear: Any) -> None:
        """Wakes this relay when another process says that it wrote to the outbox."""
        try:
            while True:
                ear.poll()
                if ear.notifies:
                    ear.notifies.clear()
                    self.nudge()
                trampoline(ear.fileno(), read=True)
        finally:
            self.nudge()

    def _turn_or_wait(self, work: Any) -> None:
        try:
            self._turn(work)
        except (BrokerGone, Unconfirmed) as error:
            work.rollback()
            log.warning("a batch waits for the broker", reason=str(error))
            self._sleep_s(self._pause_s)
            self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 2)

    def _turn(self, work: Any) -> None:
        if self._marker_missing:
            self._resend(work)
        limit = 1 if self._one_by_one else self._batch
        self._woken = Event()
        self._pace.begin()
        taken = self._relay_batch(work, limit)
        self._pause_s = PAUSE_S
        self._housekeep(work)
        if not taken:
            self._one_by_one = 0
        if taken < limit and not self._one_by_one:
            self._sleep_until_woken(self._until_due(work))

    # One batch -------------------------------------------------------------------------------------------------------

    def _relay_batch(self, work: Any, limit: int) -> int:
        """Takes, sends and marks up to `limit` rows; returns how many it took. Raises Unconfirmed or BrokerGone."""
        with work.cursor() as cursor:
            cursor.execute(_TAKE, (limit, BATCH_BYTES))
            rows = [Row(*row) for row in cursor]
            if not rows:
                work.commit()
                return 0
            self._lost_for = None
            spans = self._spans(rows)
            outcomes = self._await(self._send(rows))
            _end(spans, outcomes)
            work.keeping(True)  # the marks travel with the commit
            self._mark(cursor, rows, outcomes)
            work.keeping(False)
        work.commit()
        self._one_by_one = max(0, self._one_by_one - 1)
        unknown = outcomes.count(Outcome.UNKNOWN)
        if unknown:
            self._explain(rows, unknown)
        # A batch cut short by its bytes is not the end of the outbox.
        return limit if len(rows) < limit and sum(len(row.body) for row in rows) >= BATCH_BYTES // 2 else len(rows)

    def _spans(self, rows: Sequence[Row]) -> list[Publication | None]:
        """One for each row that was written inside a trace; the message then carries its span on."""
        spans = []
        for row in rows:
            attributes: dict[str, str | int] = {
                "messaging.system": "rabbitmq",
                "messaging.operation.type": "publish",
                "messaging.destination.name": row.exchange,
                "messaging.message.id": row.id,
                "messaging.batch.message_count": len(rows),
            }
            name = f"publish {self._service}.{row.type.rpartition('.')[2]}"
            span = published(name, attributes, parent=row.headers.get(TRACEPARENT, ""))
            if span is not None:
                row.headers[TRACEPARENT] = span.traceparent
            spans.append(span)
        return spans

    def _send(self, rows: Sequence[Row]) -> list[Confirm]:
        return [self._publish(row) for row in rows]

    def _publish(self, row: Row) -> Confirm:
        properties = BasicProperties(
            content_type=row.headers.get(DATA_CONTENT_TYPE, PROTOBUF),
            headers=row.headers,
            delivery_mode=2,
            message_id=row.id,
            type=row.type,
            user_id=self._link.address.user or None,
        )
        return self._link.publish_confirmed(row.exchange, row.routing_key, bytes(row.body), properties, mandatory=True)

    def _await(self, confirms: Sequence[Confirm]) -> list[Outcome]:
        until = time.monotonic() + self._confirm_timeout_s
        return [confirm.wait(max(0.0, until - time.monotonic())) for confirm in confirms]

    def _mark(self, cursor: Any, rows: Sequence[Row], outcomes: Sequence[Outcome]) -> None:
        taken = [row.id for row, outcome in zip(rows, outcomes, strict=True) if outcome is Outcome.CONFIRMED]
        if taken:
            cursor.execute(_MARK, (taken,))
            OUTBOX_PUBLISHED.inc(len(taken))
        refused = [(row, outcome.value) for row, outcome in zip(rows, outcomes, strict=True)
                   if outcome in (Outcome.UNROUTABLE, Outcome.NACKED)]  # fmt: skip
        if len(rows) == 1 and outcomes[0] is Outcome.UNKNOWN and (code := _refusal(self._lost_for)):
            refused = [(rows[0], f"refused_{code}")]
        if refused:
            self._postponed = True
            execute_values(cursor, _POSTPONE, [(row.id, why) for row, why in refused])
        for row, why in refused:
            OUTBOX_UNROUTABLE.labels(row.type).inc()
            log.error(
                "the broker did not take a message; it is kept and tried again",
                event_id=row.id,
                type=row.type,
                reason=why,
            )

    def _explain(self, rows: Sequence[Row], unknown: int) -> None:
        """Why some of a batch has no answer, and what to do before they are tried again."""
        if _refusal(self._lost_for):
            # One of them made the broker hang up (no such exchange, no right, too large), and the others share its fate:
            # sent one by one, each tells for itself, and only that one is put off.
            self._one_by_one = 0 if len(rows) == 1 else len(rows)
            return
        if self._lost_for is None:
            # Connected, yet silent: whatever it may still do with them, this connection is not worth waiting for.
            self._link.stop(0)
            self._link = self._new_link()
            self._link.start()
        raise Unconfirmed(f"{unknown} of {len(rows)} not confirmed")

    # A broker that came back empty -------------------------------------------------------------------------------------

    def _look_for_marker(self, channel: GreenChannel) -> None:
        """Before anything goes out on a new connection; a passive declare needs no right."""
        answer = channel.ask("queue_declare", queue=f"marker.{self._service}", passive=True)
        self._marker_missing = answer.method.message_count == 0
        self._brokers_seen += 1

    def _resend(self, work: Any) -> None:
        """Makes everything kept wait again, then sets the marker. Two relays that find it missing do so twice at worst."""
        broker = self._brokers_seen
        with work.cursor() as cursor:
            # Longer than any relay can hold its rows, and than another's resend takes.
            cursor.execute("SET LOCAL lock_timeout = '60s'")
            cursor.execute("SET LOCAL statement_timeout = '300s'")
            cursor.execute(_RESEND_LOCK)
            cursor.execute(_RESEND, (RETENTION,))
            resent = cursor.rowcount
        work.commit()
        OUTBOX_RESENT.inc(resent)
        log.warning("the broker has no marker of ours: everything kept goes out again", rows=resent)
        if broker != self._brokers_seen:
            raise Unconfirmed("another broker, which may be empty in its turn")
        marker = Row("marker", MARKER_EXCHANGE, self._service, "marker", {}, b"")
        if self._publish(marker).wait(self._confirm_timeout_s) is not Outcome.CONFIRMED:
            raise Unconfirmed("the marker")
        self._marker_missing = False

    # Waiting and cleaning ----------------------------------------------------------------------------------------------

    def _sleep_until_woken(self, seconds: float) -> None:
        """Returns after `seconds`, or as soon as a transaction that wrote to the outbox has committed; never too soon."""
        self._asleep = True
        try:
            with eventlet.Timeout(seconds, False):
                self._woken.wait()
            self._pace.wait()
        finally:
            self._asleep = False

    def _is_connected(self) -> bool:
        self._asleep = True
        try:
            return self._link.wait_connected(self._poll_s)
        finally:
            self._asleep = False

    def _sleep_s(self, seconds: float) -> None:
        self._asleep = True
        try:
            eventlet.sleep(seconds)
        finally:
            self._asleep = False

    def _until_due(self, work: Any) -> float:
        if not self._postponed:
            return self._poll_s
        with work.cursor() as cursor:
            cursor.execute(_NEXT_DUE)
            (due,) = cursor.fetchone()
        work.commit()
        self._postponed = due is not None
        return self._poll_s if due is None else min(self._poll_s, max(0.02, float(due)))

    def _housekeep(self, work: Any) -> None:
        if time.monotonic() - self._housekept_at < HOUSEKEEPING_S:
            return
        self._housekept_at = time.monotonic()
        with work.cursor() as cursor:
            cursor.execute(_WAITING)
            waiting, oldest_s = cursor.fetchone()
            OUTBOX_WAITING.set(waiting)
            OUTBOX_OLDEST_SECONDS.set(float(oldest_s))
            cursor.execute(_DELETE, (RETENTION, DELETE_BATCH))
            if cursor.rowcount == DELETE_BATCH:
                self._housekept_at = 0.0  # there is more: after the next batch, not in its way
        work.commit()
