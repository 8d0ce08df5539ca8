"""Numbers, signs and stores messages for peers: once each, in the order their services counted, in one transaction.

The lock per peer is the row that holds its last number; the log's lock comes after it, so that entries stand in one
chain. Bodies are sealed before any lock is taken. What may not be sent becomes an event for the service that wanted it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from courier.domain.agreements import version_for
from courier.domain.canonical import digest
from courier.domain.chain import Entry, Head, Kind, extend
from courier.domain.envelope import MAX_BODY, MAX_SUBJECT, Claims, Lane, encode, schema_of
from courier.domain.errors import Rejected
from courier.domain.manifest import MAX_WHOLE, cut, manifest_of
from courier.domain.streams import Turn, after, turn
from courier.domain.trust import Trust
from courier.usecases.ports import LogWork, Outbound, Seals, SendWork, Settled, Signed, Subject, Unsent

#: Target of a message meant for every linked district.
EVERY_DISTRICT = "*"


@dataclass(frozen=True)
class Prepared:
    """A message with its body sealed for each peer that it goes to, or with the reason why it goes nowhere."""

    message: Outbound
    sealed: Mapping[str, str]
    refusal: Rejected | None = None
    #: The chunks of a body that is too large for its envelope, by peer.
    chunks: Mapping[str, Sequence[str]] = field(default_factory=dict)


def prepare(message: Outbound, trust: Trust, seals: Seals, now: datetime, limit: int = MAX_WHOLE) -> Prepared:
    """Does what needs no transaction: checks the message (its body has at most `limit` octets), finds its peers, seals."""
    try:
        check_sendable(message, trust, limit)
        peers = trust.active() if message.target == EVERY_DISTRICT else [message.target]
        return prepared_for(peers, message, seals, now)
    except Rejected as refusal:
        return Prepared(message, {}, refusal)


def prepared_for(peers: Iterable[str], message: Outbound, seals: Seals, now: datetime) -> Prepared:
    """The message sealed for each of these. Raises Rejected."""
    enclosed = {peer: enclose(message, peer, seals, now) for peer in peers}
    sealed = {peer: sealed for peer, (sealed, _) in enclosed.items()}
    return Prepared(message, sealed, chunks={peer: chunks for peer, (_, chunks) in enclosed.items() if chunks})


def enclose(
    message: Outbound, peer: str, seals: Seals, now: datetime, most: int = MAX_BODY
) -> tuple[str, tuple[str, ...]]:
    """What goes into the envelope, and the chunks beside it where the body has more than `most` octets."""
    if len(message.body) <= most:
        return seals.seal(peer, message.opens, message.body, now), ()
    chunks = tuple(seals.seal_piece(peer, piece, now) for piece in cut(message.body))
    return seals.seal(peer, message.opens, b"", now, manifest_of(message.body, chunks)), chunks


def check_sendable(message: Outbound, trust: Trust, limit: int = MAX_WHOLE) -> None:
    """Raises Rejected for what the bus table, the registry or the protocol has no place for."""
    route = trust.routes.get(message.type)
    if route is None or route.source != message.service:
        raise Rejected("not_yours_to_send", message.type)
    if message.target != EVERY_DISTRICT and not trust.linked(message.target):
        raise Rejected("no_link", message.target)
    if len(message.body) > limit:
        raise Rejected("too_large", str(len(message.body)))
    if not message.subject or len(message.subject) > MAX_SUBJECT or not message.subject.isprintable():
        raise Rejected("bad_subject")


def send_messages(
    work: SendWork, prepared: Sequence[Prepared], trust: Trust, seals: Seals, now: datetime, *, limit: int = MAX_WHOLE
) -> tuple[list[Signed], list[str]]:
    """Stores the batch; returns what can go out now, and the code of each refusal of what cannot."""
    numbers = work.lock_numbers({peer for item in prepared for peer in item.sealed})
    known = work.known(item.message.id for item in prepared)
    fresh = list({item.message.id: item for item in prepared if item.message.id not in known}.values())
    if not fresh:
        return [], []
    head = work.lock_head()
    ready = _in_turn(work, fresh, trust, seals, first_epoch=head.epoch == 1, now=now, limit=limit)
    desk = Desk(work, trust, seals, now=now, numbers=numbers, head=head)
    desk.load(ready)
    for item in ready:
        desk.take(item)
    desk.save()
    return desk.signed, desk.refused


class Desk:
    """One batch while it gets its numbers."""

    def __init__(
        self,
        work: SendWork,
        trust: Trust,
        seals: Seals,
        *,
        now: datetime,
        numbers: dict[tuple[str, Lane], int],
        head: Head,
    ) -> None:
        self._work, self._trust, self._seals, self._now = work, trust, seals, now
        self._numbers, self._head = numbers, head
        self._subjects: dict[tuple[str, str], Subject] = {}
        self._chain: list[tuple[Entry, str, Head]] = []
        self._unsent: list[Unsent] = []
        self._chunks: list[tuple[str, UUID, Sequence[str]]] = []
        self.signed: list[Signed] = []

    @property
    def refused(self) -> list[str]:
        return [item.code for item in self._unsent]

    def load(self, ready: Sequence[Prepared]) -> None:
        keys = {(peer, item.message.subject) for item in ready for peer in item.sealed}
        self._subjects = self._work.subjects(keys)

    def take(self, item: Prepared) -> None:
        if item.refusal is not None:
            self._refuse(item.message, item.message.target, item.refusal)
        for peer, sealed in item.sealed.items():
            try:
                self._number(item, peer, sealed)
            except Rejected as refusal:
                self._refuse(item.message, peer, refusal)

    def number(self, item: Prepared) -> None:
        """Gives a message its numbers, or raises Rejected."""
        for peer, sealed in item.sealed.items():
            self._number(item, peer, sealed)

    def _number(self, item: Prepared, peer: str, sealed: str) -> None:
        message = item.message
        subject = self._subjects.setdefault((peer, message.subject), Subject())
        opening = self._trust.routes[message.type].opens or bool(message.opens)
        agreement = version_for(
            self._trust.agreed_with(peer),
            pinned=subject.agreement,
            opening=opening,
            giver=self._trust.home,
            what=message.opens,
            now=self._now,
        )
        if opening and subject.agreement is None:
            subject.agreement = agreement
        claims = self._claims(message, peer, sealed, agreement, subject)
        self._add(sign_message(claims, message, sealed, self._seals, self._now))
        if peer in item.chunks:
            self._chunks.append((peer, message.id, item.chunks[peer]))

    def _claims(self, message: Outbound, peer: str, sealed: str, agreement: int, subject: Subject) -> Claims:
        lane = Lane.MAIN if message.valid_until is None else Lane.ASK
        epoch = self._head.epoch
        number = self._numbers[peer, lane] = self._numbers.get((peer, lane), 0) + 1
        if lane is Lane.MAIN:
            subject.sent = subject.sent + 1 if subject.sent_epoch == epoch else 1
            subject.sent_epoch = epoch
        return Claims(
            id=message.id,
            source=self._trust.home,
            target=peer,
            epoch=epoch,
            number=number,
            subject=message.subject,
            subject_seq=subject.sent if lane is Lane.MAIN else 0,
            type=message.type,
            schema=schema_of(message.type),
            time=self._now,
            agreement=agreement,
            head=self._head,
            body=digest(sealed.encode("ascii")),
            valid_until=message.valid_until,
            answers_to=message.answers_to,
        )

    def _add(self, signed: Signed) -> None:
        entry = entry_of(signed, self._head.seq + 1, self._now)
        self._head = extend(self._head, entry)
        self._chain.append((entry, signed.jws, self._head))
        self.signed.append(signed)

    def _refuse(self, message: Outbound, peer: str, refusal: Rejected) -> None:
        kept = "" if refusal.code == "courier.too_large" else self._kept(message)
        self._unsent.append(Unsent(message, peer, refusal.code, refusal.detail, kept))

    def _kept(self, message: Outbound) -> str:
        """The message sealed to ourselves, where a person may want it sent after all: nothing that opens."""
        route = self._trust.routes.get(message.type)
        if route is None or route.opens or message.opens:
            return ""
        return self._seals.seal_to_self(message)

    def save(self) -> None:
        append(self._work, self._chain)
        if self.signed:
            self._work.add_sent(self.signed, self._now)
            self._work.save_sent_subjects(self._subjects)
            self._work.save_numbers(self._numbers)
        for peer, id, chunks in self._chunks:
            self._work.add_chunks(peer, id, chunks)
        if self._unsent:
            self._work.add_unsent(self._unsent, self._now)
            for item in self._unsent:
                about = Settled(
                    item.message.id, item.peer, item.message.service, item.message.type, item.message.subject
                )
                self._work.tell_refused(about, item.code, item.reason, self._now)


def sign_message(claims: Claims, message: Outbound, sealed: str, seals: Seals, now: datetime) -> Signed:
    """The envelope of a message that has its number."""
    jws = seals.sign(encode(claims), now)
    return Signed(claims, message.service, message.opens, jws, digest(jws.encode("ascii")), sealed, message.trace)


def entry_of(signed: Signed, seq: int, now: datetime) -> Entry:
    """The log's entry of a sent message."""
    claims = signed.claims
    return Entry(
        seq=seq,
        kind=Kind.SENT,
        at=now,
        peer=claims.target,
        lane=claims.lane.value,
        epoch=claims.epoch,
        number=claims.number,
        id=claims.id,
        subject=claims.subject,
        subject_seq=claims.subject_seq,
        signed=signed.signed,
    )


def append(work: LogWork, chain: Sequence[tuple[Entry, str, Head]]) -> None:
    """Writes entries with their envelopes' signatures and the heads after them."""
    if chain:
        work.append([row[0] for row in chain], [row[1] for row in chain], [row[2] for row in chain])


def _in_turn(
    work: SendWork,
    fresh: Sequence[Prepared],
    trust: Trust,
    seals: Seals,
    *,
    first_epoch: bool,
    now: datetime,
    limit: int,
) -> list[Prepared]:
    """The messages whose turn it is, with those that only waited for them; the others are kept until theirs comes."""
    keys = {(item.message.target, item.message.subject) for item in fresh}
    streams, waiting = work.streams(keys), work.early(keys)
    counts: dict[tuple[str, str], tuple[str, int]] = {}
    ready: list[Prepared] = []
    kept: dict[Outbound, str] = {}
    dropped: list[tuple[str, str, int]] = []
    for item in sorted(fresh, key=lambda item: item.message.seq):
        message = item.message
        key = (message.target, message.subject)
        service, taken = streams.get(key, (message.service, None))
        if service != message.service:
            ready.append(replace(item, sealed={}, refusal=Rejected("subject_of_another_service", service)))
            continue
        if turn(taken, message.seq, first_epoch=first_epoch) is Turn.EARLY:
            kept[message] = seals.seal_to_self(message)
            continue
        ready.append(item)
        count = after(taken, message.seq)
        while (stored := waiting.get(key, {}).pop(count + 1, None)) is not None:
            count += 1
            ready.append(prepare(seals.unseal_own(stored), trust, seals, now, limit))
            dropped.append((*key, count))
        streams[key] = counts[key] = (service, count)
    if kept:
        work.keep_early(kept, now)
    if dropped:
        work.drop_early(dropped)
    if counts:
        work.save_streams(counts)
    return ready
