"""The courier's protections, which a control lacks, one function each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

from putting import put


def forgets_sent() -> None:
    """What a relay hands over is sent, whether it was stored before or not."""
    from courier.adapters import outgoing
    from courier.adapters.send_storage import SendBooks

    read = outgoing.messages.outbound

    class Messages:
        @staticmethod
        def outbound(headers: Any, body: bytes) -> Any:
            return replace(read(headers, body), id=uuid4())

    put(outgoing, messages=Messages)
    put(SendBooks, known=lambda self, ids: set())


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

    put(Line, place=anywhere, arrive=at_once)
    put(TakeBooks, seen=lambda self, claims: {}, taken_ids=lambda self, ids: {})
    put(TakeBooks, add_received=add_received, hand_on=hand_on_again)
    remembering = take_messages._Desk.take

    def take(self: Any, item: Any) -> None:
        self._seen.clear()
        self._taken.clear()
        remembering(self, item)

    put(take_messages._Desk, take=take)


def hopeful() -> None:
    """What was handed to the connection is sent, and (with TONGBAN_COURIER_WITHOUT=receipt) done with: no confirm, no receipt."""
    from chassis.broker import BrokerGone, Confirm
    from courier.adapters.peer_sender import PeerSender

    publish = PeerSender._publish

    def send(self: Any, jws: str, jwe: str, trace: str) -> Any:
        try:
            return publish(self, jws, jwe, trace)
        except BrokerGone:
            return Confirm()

    put(PeerSender, _publish=send, _confirmed=lambda self, sending: [row for row, _ in sending])


def asks_for_nothing() -> None:
    """Numbers that are missing are not asked for."""
    from courier.wiring import App

    put(App, _ask_for_missing=lambda self: None)


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

    put(TrustBooks, trust=trust)
