"""Takes authenticated messages in: each once, handed on in its subject's order, logged and receipted, in one transaction.

A duplicate gets the receipt it got before. A number under which something else arrived before is a conflict: it is put
into quarantine, lights a light, and the sender is told, because its database must have gone back in time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from courier.domain.agreements import NO_AGREEMENT, check_arrived
from courier.domain.chain import Entry, Head, Kind, extend
from courier.domain.envelope import Claims, Lane, decode
from courier.domain.errors import ChunksMissing, Deferred, Malformed, Rejected
from courier.domain.manifest import MAX_WHOLE, Manifest, check, join
from courier.domain.order import Line, Place
from courier.domain.receipts import Item, Receipt, Verdict, encode
from courier.domain.rules import Known, Seen, check_allowed, check_time, compare
from courier.domain.trust import Trust
from courier.usecases.ports import Arrived, Held, Quarantined, Seals, TakeWork
from courier.usecases.send_messages import append

Key = tuple[str, Lane, int, int]

#: So many bodies of the largest size may be under way from one peer; what is beyond comes again.
PARCELS = 8


@dataclass(frozen=True)
class Means:
    """What taking needs beside the transaction."""

    trust: Trust
    seals: Seals
    now: datetime
    new_id: Callable[[], UUID]
    #: The peer's clock minus ours, as its canaries show.
    clock_differences: dict[str, timedelta] = field(default_factory=dict)
    #: Only a test build that shows what the check is for lacks it.
    replay_stopped: bool = True
    #: The largest body that is taken.
    body_limit: int = MAX_WHOLE


@dataclass(frozen=True)
class Taken:
    """(peer, signed receipt) of everything that has to be answered, earlier receipts included; and what is wanted of peers:
    (peer, version) of agreements that are not here, and under which something was opened, and chunks of bodies."""

    receipts: list[tuple[str, str]]
    agreements: set[tuple[str, int]]
    chunks: bool


def take_messages(work: TakeWork, batch: Sequence[Arrived], means: Means) -> Taken:
    """Stores the batch, but for what cannot be judged yet: that gets no answer and comes again."""
    sources = sorted({item.claims.source for item in batch})
    work.lock_links(sources)
    desk = _Desk(work, means, batch)
    for item in batch:
        desk.take(item)
    return desk.finish(sources)


def key_of(claims: Claims) -> Key:
    """What a number is known by, for ever."""
    return claims.source, claims.lane, claims.epoch, claims.number


class _Desk:
    """One batch while it is judged."""

    def __init__(self, work: TakeWork, means: Means, batch: Sequence[Arrived]) -> None:
        self._work, self._means = work, means
        self._seen = work.seen(item.claims for item in batch) if means.replay_stopped else {}
        self._taken = work.taken_ids(item.claims.id for item in batch) if means.replay_stopped else {}
        self._lines = work.lines({(item.claims.source, item.claims.subject) for item in batch})
        self._fresh: dict[tuple[str, str], dict[tuple[int, int], Arrived]] = defaultdict(dict)
        self._new: dict[str, list[tuple[Arrived, Verdict, str]]] = defaultdict(list)
        self._items: dict[str, list[Item]] = defaultdict(list)
        self._again: dict[UUID, str] = {}
        self._touched: dict[tuple[str, str], tuple[Line[Held], int | None]] = {}
        self._answered: dict[str, list[UUID]] = defaultdict(list)
        self._wanted: set[tuple[str, int]] = set()
        self._parcels: list[Arrived] = []

    # One message ------------------------------------------------------------------------------------------------------

    def take(self, item: Arrived) -> None:
        claims = item.claims
        arrived = Seen(str(claims.id), item.signed)
        kept, receipt_id = self._seen.get(key_of(claims), (None, None))
        outcome = compare(kept, arrived)
        if outcome == Known.DUPLICATE:
            if receipt_id is not None:  # None: twice in this batch, one receipt will do
                self._again[receipt_id] = claims.source
            return
        if outcome == Known.CONFLICT:
            self._conflict(item)
            return
        self._seen[key_of(claims)] = arrived, None
        try:
            item = self._checked(item)
        except Rejected as refusal:
            self._settle(item, Verdict.REFUSED, refusal.code)
            if item.manifest is not None:
                self._work.drop_parcel(claims.source, claims.id)
        except Deferred as deferred:
            self._defer(item, deferred)
        else:
            self._settle(item, Verdict.ACCEPTED, "")

    def _defer(self, item: Arrived, why: Deferred) -> None:
        del self._seen[key_of(item.claims)]
        if isinstance(why, ChunksMissing):
            self._parcels.append(item)
        else:
            self._wanted.add((item.claims.source, item.claims.agreement))

    def _checked(self, item: Arrived) -> Arrived:
        """The message with its body. Raises Rejected, or Deferred where it cannot be judged or is not whole yet."""
        claims, means = item.claims, self._means
        if item.refusal is not None:
            raise item.refusal
        assert means.trust.registry is not None
        check_allowed(claims, means.trust.registry, means.trust.routes)
        if self._taken.get(claims.id, claims.source) != claims.source:
            raise Rejected("id_of_another_district")
        check_time(claims, means.now, means.clock_differences.get(claims.source, timedelta()))
        line, pinned = self._line(claims)
        if claims.lane is Lane.MAIN and line.place(claims.epoch, claims.subject_seq) is Place.TAKEN:
            raise Rejected("place_taken")
        opening = means.trust.routes[claims.type].opens or bool(item.opens)
        check_arrived(
            means.trust.agreed_with(claims.source),
            version=claims.agreement,
            pinned=pinned,
            opening=opening,
            giver=claims.source,
            what=item.opens,
            signed_at=claims.time,
            now=means.now,
        )
        whole = self._whole(item)
        if opening and pinned is None and claims.agreement != NO_AGREEMENT:
            self._touched[claims.source, claims.subject] = line, claims.agreement
        return whole

    def _whole(self, item: Arrived) -> Arrived:
        manifest = item.manifest
        if manifest is None:
            return item
        try:
            check(manifest, self._means.body_limit)
            return replace(item, body=self._joined(item.claims, manifest))
        except Malformed as error:
            raise Rejected(error.code, error.detail) from None

    def _joined(self, claims: Claims, manifest: Manifest) -> bytes:
        here = self._work.pieces(claims.source, claims.id)
        if any(chunk.digest not in here for chunk in manifest.chunks):
            raise ChunksMissing("chunks_missing")
        return join(manifest, (self._means.seals.unseal_piece(here[chunk.digest]) for chunk in manifest.chunks))

    def _line(self, claims: Claims) -> tuple[Line[Held], int | None]:
        key = (claims.source, claims.subject)
        return self._touched.get(key) or self._lines.get(key) or (Line(), None)

    def _settle(self, item: Arrived, verdict: Verdict, code: str) -> None:
        claims = item.claims
        self._new[claims.source].append((item, verdict, code))
        self._items[claims.source].append(_item(item, verdict, code))
        if verdict is Verdict.ACCEPTED and claims.answers_to is not None:
            self._answered[claims.source].append(claims.answers_to)
        if claims.lane is not Lane.MAIN:
            if verdict is Verdict.ACCEPTED:
                self._hand_on(claims, item.body, item.trace, item.manifest)
            return
        self._place(item, verdict)

    def _conflict(self, item: Arrived) -> None:
        claims, now = item.claims, self._means.now
        self._items[claims.source].append(_item(item, Verdict.CONFLICT, "courier.number_conflict"))
        self._work.quarantine(
            Quarantined(
                claims.id, now, "", claims.source, "courier.number_conflict", len(item.jws) + len(item.sealed), b""
            )
        )
        self._work.note(claims.source, "conflict", now)

    # Order ------------------------------------------------------------------------------------------------------------

    def _place(self, item: Arrived, verdict: Verdict) -> None:
        claims = item.claims
        key, place = (claims.source, claims.subject), (claims.epoch, claims.subject_seq)
        line, pinned = self._line(claims)
        if line.place(*place) is Place.TAKEN:
            return  # refused for just that: it fills no place
        was_waiting = set(line.waiting)
        held = Held(item.jws, item.sealed, item.trace) if verdict is Verdict.ACCEPTED else None
        self._fresh[key][place] = item
        before = line.epoch
        ready = line.arrive(*place, held)
        if claims.epoch > before > 0:
            self._work.note(claims.source, "restore", self._means.now)
        for waited in ready:
            self._release(key, waited)
        if place in line.waiting:
            kept = held or Held("", "", "")
            self._work.keep_held(claims.source, claims.subject, place, kept, self._means.now)
        if gone := was_waiting - set(line.waiting):
            self._work.drop_held(claims.source, claims.subject, gone)
        self._touched[key] = line, pinned

    def _release(self, key: tuple[str, str], held: Held) -> None:
        """Hands on what waited, from memory where it came in this batch."""
        for arrived in self._fresh[key].values():
            if arrived.jws == held.jws:
                self._hand_on(arrived.claims, arrived.body, arrived.trace, arrived.manifest)
                return
        claims, opened = decode(self._means.seals.payload(held.jws)), self._means.seals.unseal(held.sealed)
        body = opened.message if opened.manifest is None else self._joined(claims, opened.manifest)
        self._hand_on(claims, body, held.trace, opened.manifest)

    def _hand_on(self, claims: Claims, body: bytes | None, trace: str, manifest: Manifest | None) -> None:
        """Once a message: a sender whose database was restored numbers anew what we may have had under an older number."""
        assert body is not None
        if manifest is not None:
            self._work.drop_parcel(claims.source, claims.id)
        if claims.id in self._taken:
            return
        self._taken[claims.id] = claims.source
        self._work.hand_on(claims, body, to=self._means.trust.routes[claims.type].target, trace=trace)

    # The end of the batch -----------------------------------------------------------------------------------------------

    def finish(self, sources: Sequence[str]) -> Taken:
        """Writes the books and the receipts."""
        work, means, now = self._work, self._means, self._means.now
        head = work.lock_head()
        chain: list[tuple[Entry, str, Head]] = []
        for source in sources:
            for item, verdict, code in self._new[source]:
                entry = _entry(item, verdict, code, head.seq + 1, now)
                head = extend(head, entry)
                chain.append((entry, item.jws, head))
        append(work, chain)
        if self._touched:
            work.save_lines(self._touched)
        answers = [(self._again[receipt_id], jws) for receipt_id, jws in work.receipts(self._again).items()]
        for source in sources:
            if self._items[source]:
                answers.append((source, self._receipt(source, head)))
            self._note_arrivals(source)
            if self._answered[source]:
                work.mark_answered(source, self._answered[source], now)
        for peer in sorted({peer for peer, _ in self._wanted}):
            work.note(peer, "agreement_missing", now)
        for item in self._parcels:
            work.keep_parcel(item, PARCELS * means.body_limit, now)
        return Taken(answers, self._wanted, bool(self._parcels))

    def _receipt(self, source: str, head: Head) -> str:
        work, means, items = self._work, self._means, self._items[source]
        receipt = Receipt(means.trust.home, source, means.now, head, tuple(items))
        jws = means.seals.sign(encode(receipt), means.now)
        receipt_id = means.new_id()
        work.add_receipt(receipt_id, source, jws, given=True, now=means.now)
        settled = [item for item in items if item.verdict is not Verdict.CONFLICT]
        if settled:
            work.add_received(source, settled, receipt_id, means.now)
        return jws

    def _note_arrivals(self, source: str) -> None:
        numbers: dict[tuple[Lane, int], list[int]] = defaultdict(list)
        refused: dict[tuple[Lane, int], int] = defaultdict(int)
        for item, verdict, _ in self._new[source]:
            where = (item.claims.lane, item.claims.epoch)
            numbers[where].append(item.claims.number)
            refused[where] += verdict is Verdict.REFUSED
        for (lane, epoch), arrived in numbers.items():
            self._work.note_arrivals(source, lane, epoch, arrived, refused=refused[lane, epoch], now=self._means.now)


def _item(item: Arrived, verdict: Verdict, code: str) -> Item:
    claims = item.claims
    return Item(claims.lane, claims.epoch, claims.number, claims.id, item.signed, verdict, code)


def _entry(item: Arrived, verdict: Verdict, code: str, seq: int, now: datetime) -> Entry:
    claims = item.claims
    return Entry(
        seq=seq,
        kind=Kind.ACCEPTED if verdict is Verdict.ACCEPTED else Kind.REFUSED,
        at=now,
        peer=claims.source,
        lane=claims.lane.value,
        epoch=claims.epoch,
        number=claims.number,
        id=claims.id,
        subject=claims.subject,
        subject_seq=claims.subject_seq,
        signed=item.signed,
        code=code,
    )
