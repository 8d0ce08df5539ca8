"""The protections that a control lacks, one function each. What is left is what a service without the chassis would do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

# Events ---------------------------------------------------------------------------------------------------------------------


def acked_failures() -> None:
    """A message whose handler failed, or that nobody can read, is acked: nameko as it comes. No ladder, no parking, no wait."""
    from chassis.subscriber import consumer
    from chassis.subscriber.consumer import EventConsumer

    def fail(self: Any, work: Any, error: Exception) -> str:
        work.message.ack()
        return str(consumer.DONE)

    def handle(self: Any, subscriber: Any, event: Any, delivery: Any) -> str:
        with self._inbox(subscriber, delivery) as is_new:
            if is_new:
                self._call(subscriber, event, delivery)
        return str(consumer.DONE)

    EventConsumer._fail, EventConsumer._handle = fail, handle


def early_ack() -> None:
    """A message is acked when it comes, before its handler has committed."""
    from chassis.subscriber.consumer import EventConsumer

    take = EventConsumer._take

    def take_and_ack(self: Any, subscriber: Any, message: Any) -> None:
        message.ack()
        take(self, subscriber, message)

    EventConsumer._take = take_and_ack


def no_inbox() -> None:
    """Every delivery is handled, whether the event was handled before or not; notification tells every time."""
    from chassis.subscriber.consumer import EventConsumer

    @contextmanager
    def inbox(self: Any, subscriber: Any, delivery: Any) -> Iterator[bool]:
        with self._process.database.transaction() as connection:
            delivery.connection = connection
            yield True

    EventConsumer._inbox = inbox
    try:
        from notification.adapters import storage
    except ImportError:
        return

    def add(self: Any, notice: Any) -> bool:
        self._connection.execute(
            storage.insert(storage.notices).values(
                id=notice.id, about=notice.about, event=notice.event, subject=notice.subject, title=notice.text.title,
                body=notice.text.body, created_at=notice.created_at, read_at=notice.read_at,
            )
        )  # fmt: skip
        return True

    storage.Notices.add = add


# Requests -------------------------------------------------------------------------------------------------------------------


def no_keys() -> None:
    """Every request acts, whatever its idempotency key."""
    import importlib

    import chassis.once

    def once(connection: Any, *, scope: str, key: str, digest: str, produce: Any) -> bytes:
        return bytes(produce())

    chassis.once.once = once
    for name in ("hotline.adapters.storage", "case_routing.wiring"):
        try:
            importlib.import_module(name).once = once
        except ImportError:
            continue


# The relay ------------------------------------------------------------------------------------------------------------------


def no_confirms() -> None:
    """A row counts as sent once it was handed to the connection, or would have been."""
    from chassis.broker import BrokerGone, Confirm, Outcome
    from chassis.relay import Relay

    publish, serve_wait = Relay._publish, Relay._turn

    def hopeful(self: Any, row: Any) -> Any:
        with suppress(BrokerGone):
            publish(self, row)
        confirm = Confirm()
        confirm.settle(Outcome.CONFIRMED)
        return confirm

    def turn(self: Any, work: Any, ear: Any) -> None:
        serve_wait(self, work, ear)

    Relay._publish, Relay._turn = hopeful, turn


def no_resend() -> None:
    """A broker that comes back empty is taken for the one that was there before."""
    from chassis.relay import Relay

    def look(self: Any, channel: Any) -> None:
        self._marker_missing = False

    Relay._look_for_marker = look


def by_id() -> None:
    """The relay remembers the greatest id that it has sent, and looks for what comes after it."""
    from chassis import relay

    old = "confirmed_at IS NULL AND due_at <= statement_timestamp()\n        ORDER BY due_at"
    new = "confirmed_at IS NULL AND id > coalesce((SELECT max(id::text)::uuid FROM outbox WHERE confirmed_at IS NOT NULL), '00000000-0000-0000-0000-000000000000')\n        ORDER BY id"
    assert old in relay._TAKE, "the relay picks its rows in another way than this build knows"
    relay._TAKE = relay._TAKE.replace(old, new)


# The courier ----------------------------------------------------------------------------------------------------------------


def forgets_sent() -> None:
    """What a relay hands over is sent, whether it was stored before or not."""
    from courier.adapters import outgoing
    from courier.adapters.send_storage import SendBooks

    read = outgoing.messages.outbound

    class Messages:
        @staticmethod
        def outbound(headers: Any, body: bytes) -> Any:
            return replace(read(headers, body), id=uuid4())

    outgoing.messages = Messages
    SendBooks.known = lambda self, ids: set()


def forgets_taken() -> None:
    """What a peer writes is taken, whether its number, its id or its place was taken before or not."""
    from courier.adapters import sql
    from courier.adapters.take_storage import TakeBooks
    from courier.domain.order import Line, Place
    from courier.usecases import take_messages

    place, arrive, hand_on = Line.place, Line.arrive, TakeBooks.hand_on

    def anywhere(self: Any, epoch: int, seq: int) -> Any:
        found = place(self, epoch, seq)
        return Place.NOW if found is Place.TAKEN else found

    def at_once(self: Any, epoch: int, seq: int, message: Any) -> Any:
        if place(self, epoch, seq) is Place.TAKEN:
            return [message] if message is not None else []
        return arrive(self, epoch, seq, message)

    def add_received(self: Any, source: str, items: Any, receipt_id: Any, now: Any) -> None:
        columns = {
            "source": "text", "lane": "text", "epoch": "bigint", "number": "bigint", "id": "uuid", "signed": "text",
            "verdict": "text", "code": "text", "receipt_id": "uuid", "at": "timestamptz",
        }  # fmt: skip
        rows = [
            (
                source,
                i.lane.value,
                i.epoch,
                i.number,
                str(i.id),
                i.signed,
                i.verdict.value,
                i.code,
                str(receipt_id),
                now,
            )
            for i in items
        ]
        sql.insert(self.connection, "received", columns, rows, "ON CONFLICT DO NOTHING")

    def hand_on_again(self: Any, claims: Any, body: bytes, *, to: str, trace: str) -> None:
        hand_on(self, replace(claims, id=uuid4()), body, to=to, trace=trace)

    Line.place, Line.arrive = anywhere, at_once
    TakeBooks.seen = lambda self, claims: {}
    TakeBooks.taken_ids = lambda self, ids: {}
    TakeBooks.add_received, TakeBooks.hand_on = add_received, hand_on_again
    remembering = take_messages._Desk.take

    def take(self: Any, item: Any) -> None:
        self._seen.clear()
        self._taken.clear()
        remembering(self, item)

    take_messages._Desk.take = take


def hopeful() -> None:
    """What was written to the peer's broker is done with: no confirm, no receipt is waited for."""
    from chassis.broker import BrokerGone, Confirm
    from courier.adapters.link_storage import LinkBooks
    from courier.adapters.peer_sender import PeerSender

    publish = PeerSender._publish

    def send(self: Any, jws: str, jwe: str, trace: str) -> Any:
        try:
            return publish(self, jws, jwe, trace)
        except BrokerGone:
            return Confirm()

    def mark(self: Any, rows: Any) -> None:
        if rows:
            with self._office.books(LinkBooks) as books:
                books.mark_closed(self.peer, [row[0] for row in rows], self._office.now())

    PeerSender._publish, PeerSender._mark = send, mark
    PeerSender._confirmed = lambda self, under_way: [row for row, _ in under_way]


def asks_for_nothing() -> None:
    """Numbers that are missing are not asked for."""
    from courier.wiring import App

    App._ask_for_missing = lambda self: None


def suspends_nobody() -> None:
    """A member that the registry suspends is treated as any other."""
    from courier.adapters.trust_storage import TrustBooks
    from courier.domain.registry import State

    trusted = TrustBooks.trust

    def trust(self: Any, *args: Any) -> Any:
        found = trusted(self, *args)
        if found.registry is None:
            return found
        members = {code: replace(member, state=State.ACTIVE) for code, member in found.registry.members.items()}
        return replace(found, registry=replace(found.registry, members=members))

    TrustBooks.trust = trust
