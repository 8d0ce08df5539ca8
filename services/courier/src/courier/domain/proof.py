"""Checks a file of evidence with nothing but the registry: what it shows is what both sides sent, took and signed.

The reason of a refusal (EvidenceError):
    evidence_unreadable    no file of ours, or not in its canonical form
    evidence_incomplete    a side of the case is absent
    statement_invalid      a side's signature over its part does not hold
    record_altered         a record, envelope or receipt is not what was signed or logged
    record_missing         a record that must be there is not
    tail_cut               the chain ends before a head that its owner signed
    chain_broken           the links do not lead to the head that the side signed now
    chain_rewritten        the chain leads to its owner's new head, but not through heads that a peer holds from it
    content_altered        anything else in the part differs from what the side signed
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from courier.domain import envelope, receipts
from courier.domain.canonical import canonical, digest
from courier.domain.chain import Entry, Head, Kind, link
from courier.domain.envelope import Claims
from courier.domain.errors import CourierError, EvidenceError, Unauthenticated
from courier.domain.evidence import Evidence, SignedPart, Statement
from courier.domain.receipts import Receipt
from courier.domain.registry import Key, Registry


class Signatures(Protocol):
    """Reads and checks compact JWS."""

    def kid_of(self, signed: str, limit: int = ...) -> str: ...

    def unverified_payload(self, signed: str, limit: int = ...) -> bytes: ...

    def verify(self, signed: str, jwk: Mapping[str, Any], alg: str) -> bytes: ...


@dataclass
class Side:
    """One side, its signatures checked."""

    statement: Statement
    part: SignedPart
    hashes: dict[int, str]
    claims: dict[int, Claims] = field(default_factory=dict)
    receipts: list[Receipt] = field(default_factory=list)
    anchors: list[tuple[str, Head]] = field(default_factory=list)

    @property
    def entries(self) -> list[Entry]:
        return [record.entry for record in self.part.part.records if record.entry.kind is not Kind.EPOCH]

    def epoch_at(self, seq: int) -> int:
        """The epoch in which entry `seq` was written."""
        begun = [r.entry for r in self.part.part.records if r.entry.kind is Kind.EPOCH and r.entry.seq <= seq]
        return begun[-1].epoch if begun else self.statement.before.epoch

    def lost(self, epoch: int, seq: int) -> bool:
        """Whether what `epoch` wrote at `seq` is gone because the database was restored to before it."""
        last = self.statement.head
        return epoch < (self.epoch_at(seq) if seq <= last.seq else last.epoch)


@dataclass(frozen=True)
class Finding:
    """What a file that holds shows. `notes` say what could not be proven, and why that is no contradiction."""

    subject: str
    districts: tuple[str, ...]
    records: int
    receipts: int
    anchors: int
    notes: tuple[str, ...]


def verify(evidence: Evidence, registry: Registry, signatures: Signatures) -> Finding:
    """What the evidence proves. Raises EvidenceError with the reason why it does not hold."""
    checker = _Checker(registry, signatures)
    sides = {}
    for part in evidence.parts:
        side = checker.side(evidence.subject, part)
        if side.statement.district in sides:
            raise EvidenceError("evidence_incomplete", "one side twice")
        sides[side.statement.district] = side
    _check_present(sides)
    notes: list[str] = []
    anchored = 0
    for holder in sides.values():
        for owner, head in _heads(holder):
            if owner in sides:
                anchored += _check_anchor(sides[owner], head, notes)
    for side in sides.values():
        _check_places(side)
        _check_against_peers(side, sides, notes)
    for side in sides.values():
        if digest(canonical(side.part.part.content())) != side.statement.content:
            raise EvidenceError("content_altered", side.statement.district)
    if anchored == 0:
        raise EvidenceError("evidence_incomplete", "nothing of one side binds the other")
    return Finding(
        evidence.subject,
        tuple(sorted(sides)),
        sum(len(side.entries) for side in sides.values()),
        sum(len(receipt.items) for side in sides.values() for receipt in side.receipts),
        anchored,
        tuple(sorted(set(notes))),
    )


class _Checker:
    """Signatures and digests of single things."""

    def __init__(self, registry: Registry, signatures: Signatures) -> None:
        self._registry = registry
        self._signatures = signatures

    def side(self, subject: str, signed: SignedPart) -> Side:
        statement = self._statement(signed.statement)
        if statement.subject != subject:
            raise EvidenceError("statement_invalid", "it is about another subject")
        side = Side(statement, signed, _walk(statement, signed))
        _check_count(side)
        links = dict(signed.part.links)
        for record in signed.part.records:
            if links.get(record.entry.seq) != record.entry.digest():
                raise EvidenceError("record_altered", f"entry {record.entry.seq} of {statement.district}")
            if record.entry.kind is not Kind.EPOCH:
                side.claims[record.entry.seq] = self._envelope(statement.district, record.entry, record.signed)
        side.receipts = [self._receipt(text) for text in signed.part.receipts]
        side.anchors = [self._anchor(text) for text in signed.part.anchors]
        return side

    def _statement(self, signed: str) -> Statement:
        try:
            statement = Statement.decode(self._signatures.unverified_payload(signed, envelope.MAX_ENVELOPE))
            self._verified(signed, statement.district, statement)
        except CourierError as error:
            raise EvidenceError("statement_invalid", str(error)) from None
        return statement

    def _envelope(self, district: str, entry: Entry, signed: str) -> Claims:
        where = f"entry {entry.seq} of {district}"
        if digest(signed.encode()) != entry.signed:
            raise EvidenceError("record_altered", where)
        claims = self._claims(signed, where)
        source, target = (district, entry.peer) if entry.kind is Kind.SENT else (entry.peer, district)
        named = (
            claims.source,
            claims.target,
            claims.epoch,
            claims.number,
            claims.id,
            claims.subject,
            claims.subject_seq,
        )
        if named != (source, target, entry.epoch, entry.number, entry.id, entry.subject, entry.subject_seq):
            raise EvidenceError("record_altered", where)
        return claims

    def _claims(self, signed: str, where: str) -> Claims:
        try:
            claims = envelope.decode(self._signatures.unverified_payload(signed))
            self._verified(signed, claims.source, claims)
        except CourierError as error:
            raise EvidenceError("record_altered", f"{where}: {error}") from None
        return claims

    def _receipt(self, signed: str) -> Receipt:
        try:
            receipt = receipts.decode(self._signatures.unverified_payload(signed, envelope.MAX_ENVELOPE))
            self._verified(signed, receipt.source, receipt)
        except CourierError as error:
            raise EvidenceError("record_altered", f"a receipt: {error}") from None
        return receipt

    def _anchor(self, signed: str) -> tuple[str, Head]:
        claims = self._claims(signed, "an anchor")
        return claims.source, claims.head

    def _verified(self, signed: str, district: str, said: Any) -> None:
        key = self._key(district, self._signatures.kid_of(signed, envelope.MAX_ENVELOPE))
        if not key.valid_at(getattr(said, "time", None) or said.at):
            raise Unauthenticated("key_not_valid_then", district)
        self._signatures.verify(signed, key.public, key.alg)

    def _key(self, district: str, kid: str) -> Key:
        member = self._registry.members.get(district)
        key = member.key("sig", kid) if member else None
        if key is None:
            raise Unauthenticated("unknown_key", district)
        return key


def _walk(statement: Statement, signed: SignedPart) -> dict[int, str]:
    """The hash after every link; the last must be that of the signed head."""
    district, current, seq = statement.district, statement.before.hash, statement.before.seq
    hashes = {seq: current}
    for at, entry_digest in signed.part.links:
        if at != seq + 1:
            raise EvidenceError("record_missing", f"entry {seq + 1} of {district}")
        seq, current = at, link(current, entry_digest)
        hashes[seq] = current
    if seq < statement.head.seq:
        raise EvidenceError("tail_cut", f"{district} ends at {seq}, its head is {statement.head.seq}")
    if seq > statement.head.seq or current != statement.head.hash:
        raise EvidenceError("chain_broken", district)
    return hashes


def _check_count(side: Side) -> None:
    if len(side.part.part.records) != side.statement.records:
        raise EvidenceError("record_missing", f"{side.statement.district} signed {side.statement.records} records")


def _check_present(sides: Mapping[str, Side]) -> None:
    if not sides:
        raise EvidenceError("evidence_incomplete", "no side")
    for side in sides.values():
        for peer in {entry.peer for entry in side.entries} - set(sides):
            raise EvidenceError("evidence_incomplete", f"{side.statement.district} dealt with {peer}, which is absent")


def _heads(holder: Side) -> Iterator[tuple[str, Head]]:
    """Every head that somebody signed and this side holds, its own envelopes included."""
    yield from ((claims.source, claims.head) for claims in holder.claims.values())
    yield from ((receipt.source, receipt.head) for receipt in holder.receipts)
    yield from holder.anchors


def _check_anchor(owner: Side, head: Head, notes: list[str]) -> int:
    """Holds one anchored head against its owner's chain; 1 where it binds, 0 where it lies before the first link."""
    district, last = owner.statement.district, owner.statement.head
    if owner.lost(head.epoch, head.seq):
        notes.append(
            f"{district} was restored from a backup: an entry after {head.seq} of epoch {head.epoch} is lost there"
        )
        return 0
    if head.seq > last.seq:
        raise EvidenceError("tail_cut", f"{district} signed a head at {head.seq}, the chain shown ends at {last.seq}")
    if head.seq not in owner.hashes:
        return 0
    if owner.hashes[head.seq] != head.hash or head.epoch != owner.epoch_at(head.seq):
        raise EvidenceError("chain_rewritten", f"{district} at {head.seq}")
    return 1


def _check_places(side: Side) -> None:
    """Every direction of the subject counts from 1 without a gap, in each epoch."""
    places: dict[tuple[str, str, int], set[int]] = {}
    for entry in side.entries:
        if entry.subject_seq:
            way = "sent" if entry.kind is Kind.SENT else "arrived"
            places.setdefault((way, entry.peer, entry.epoch), set()).add(entry.subject_seq)
    for (way, peer, epoch), seqs in places.items():
        if way == "sent" and seqs != set(range(1, max(seqs) + 1)):
            raise EvidenceError("record_missing", f"{side.statement.district} to {peer}, epoch {epoch}")


def _check_against_peers(side: Side, sides: Mapping[str, Side], notes: list[str]) -> None:
    """What one side sent the other took, and what the other took was sent: by the same signature."""
    home = side.statement.district
    receipted = {(r.source, item.signed): r.head for r in side.receipts for item in r.items}
    for entry in side.entries:
        peer = sides[entry.peer]
        if any(_mirrors(entry, other, home) for other in peer.entries):
            continue
        sent = entry.kind is Kind.SENT
        head = receipted.get((entry.peer, entry.signed)) if sent else side.claims[entry.seq].head
        if head is None:
            notes.append(f"number {entry.number} from {home} to {entry.peer} is still under way")
        elif peer.lost(head.epoch, head.seq if sent else head.seq + 1):
            notes.append(
                f"{entry.peer} was restored from a backup and lost number {entry.number} of epoch {entry.epoch}"
            )
        else:
            raise EvidenceError("record_missing", f"{entry.peer} does not show number {entry.number} of {home}")


def _mirrors(entry: Entry, other: Entry, home: str) -> bool:
    opposite = (other.kind is Kind.SENT) != (entry.kind is Kind.SENT)
    same = (other.lane, other.epoch, other.number, other.signed) == (
        entry.lane,
        entry.epoch,
        entry.number,
        entry.signed,
    )
    return opposite and same and other.peer == home
