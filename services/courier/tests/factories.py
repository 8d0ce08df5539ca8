"""Districts with keys, and two logs written as the courier writes them, without any engine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from courier import keys as key_files
from courier import registry_file
from courier.adapters import jose
from courier.adapters.seals import JoseSeals
from courier.domain import envelope, evidence, receipts
from courier.domain.canonical import digest
from courier.domain.chain import Entry, Head, Kind, extend
from courier.domain.envelope import Claims, Lane
from courier.domain.receipts import Item, Receipt, Verdict
from courier.domain.registry import Key, Member, Registry
from courier.domain.rules import Route
from courier.domain.trust import Trust

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
GUSU, HUANGPU, TIANNING, GULOU = "320508", "310101", "320402", "320106"
OFFER = "tongban.case_routing.v1.HandOverOffered"
ROOT = key_files.RootKey(key_files._new_jwk("sig", "EdDSA"))

_numbers = count(1)


def an_id() -> UUID:
    """Another id each time."""
    return UUID(int=next(_numbers) + (7 << 76) + (2 << 62))


def some_keys(alg: str = "EdDSA") -> tuple[list[dict[str, Any]], list[Key]]:
    """A district's private keys, and what the registry shows of them."""
    private = [key_files._new_jwk("sig", alg), key_files._new_jwk("enc", "ECDH-ES")]
    public = [Key(j["use"], j["kid"], j["alg"], key_files.public_part(j), NOW - timedelta(days=3)) for j in private]
    return private, public


_KEYS = {code: some_keys() for code in (GUSU, HUANGPU, TIANNING, GULOU)}


def private_keys(code: str) -> list[dict[str, Any]]:
    return _KEYS[code][0]


def a_member(code: str, **changes: Any) -> Member:
    made = registry_file.member(
        code, name_zh="区", name_en="District", broker="127.0.0.1:1", issuer="https://127.0.0.1", keys=_KEYS[code][1]
    )
    return replace(made, **changes)


def a_registry(*members: Member, version: int = 1) -> Registry:
    """Gusu, Huangpu and Gulou of the alliance, unless others are given."""
    chosen = members or tuple(a_member(code) for code in (GUSU, HUANGPU, GULOU))
    return registry_file.registry(chosen, version=version, now=NOW - timedelta(days=1))


def some_claims(**changes: Any) -> Claims:
    made = Claims(
        id=an_id(),
        source=GUSU,
        target=HUANGPU,
        epoch=1,
        number=1,
        subject="case/320508-20261123-AAAAAAAA",
        subject_seq=1,
        type=OFFER,
        schema=1,
        time=NOW,
        agreement=1,
        head=Head(),
        body="0" * 64,
    )
    return replace(made, **changes)


def sign(code: str, payload: bytes) -> str:
    key = private_keys(code)[0]
    return jose.sign(payload, key, key["kid"], key["alg"])


@dataclass
class Logbook:
    """One district's log, and what it holds of its peers."""

    code: str
    head: Head = field(default_factory=Head)
    entries: list[tuple[Entry, str, Head]] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)
    anchors: list[str] = field(default_factory=list)

    def add(
        self, kind: Kind, claims: Claims | None, signed: str, *, peer: str = "", code: str = "", epoch: int = 0
    ) -> None:
        entry = Entry(seq=self.head.seq + 1, kind=kind, at=NOW, epoch=epoch)
        if claims is not None:
            entry = replace(
                entry, peer=peer, lane=claims.lane.value, epoch=claims.epoch, number=claims.number, id=claims.id,
                subject=claims.subject, subject_seq=claims.subject_seq, signed=digest(signed.encode()), code=code,
            )  # fmt: skip
        self.head = extend(self.head, entry)
        self.entries.append((entry, signed, self.head))

    def part(self, subject: str) -> dict[str, Any]:
        """This side's part of the evidence, as the courier writes it."""
        first = next(entry.seq for entry, _, _ in self.entries if entry.subject == subject)
        shown = [row for row in self.entries if row[0].seq >= first]
        records = [evidence.Record(e, s) for e, s, _ in shown if e.subject == subject or e.kind is Kind.EPOCH]
        links = [(entry.seq, entry.digest()) for entry, _, _ in shown]
        part = evidence.Part(links, records, self.receipts, self.anchors)
        before = self.entries[first - 2][2] if first > 1 else Head()
        return self.stated(part, subject, before)

    def stated(self, part: evidence.Part, subject: str, before: Head) -> dict[str, Any]:
        statement = evidence.statement_of(
            part, district=self.code, subject=subject, at=NOW, before=before, head=self.head
        )
        return evidence.write_part(evidence.SignedPart(sign(self.code, statement.encode()), part))


class World:
    """Two districts that send each other messages, every one received and receipted."""

    def __init__(self) -> None:
        self.books = {GUSU: Logbook(GUSU), HUANGPU: Logbook(HUANGPU)}
        self._numbers: dict[str, int] = {}
        self._places: dict[tuple[str, str], int] = {}
        self.registry = a_registry()

    def send(self, source: str, target: str, subject: str, *, verdict: Verdict = Verdict.ACCEPTED) -> Claims:
        """One message, with its receipt."""
        giver, taker = self.books[source], self.books[target]
        number = self._numbers[source] = self._numbers.get(source, 0) + 1
        place = self._places[source, subject] = self._places.get((source, subject), 0) + 1
        claims = some_claims(
            source=source, target=target, number=number, subject=subject, subject_seq=place, head=giver.head
        )
        claims = replace(claims, epoch=giver.head.epoch)
        jws = sign(source, envelope.encode(claims))
        giver.add(Kind.SENT, claims, jws, peer=target)
        taker.add(Kind.ACCEPTED if verdict is Verdict.ACCEPTED else Kind.REFUSED, claims, jws, peer=source)
        item = Item(Lane.MAIN, claims.epoch, number, claims.id, digest(jws.encode()), verdict)
        giver.receipts.append(sign(target, receipts.encode(Receipt(target, source, NOW, taker.head, (item,)))))
        return claims

    def canary(self, source: str, target: str) -> None:
        """`target` keeps the head that `source` has now."""
        type = envelope.Control.CANARY.value
        claims = some_claims(
            source=source, target=target, number=0, subject="link", subject_seq=0, type=type, agreement=0
        )
        claims = replace(claims, head=self.books[source].head, valid_until=NOW)
        self.books[target].anchors.append(sign(source, envelope.encode(claims)))

    def file(self, subject: str) -> bytes:
        return evidence.write(subject, [book.part(subject) for book in self.books.values()])


def seals_of(code: str) -> JoseSeals:
    return JoseSeals(code, a_registry(), private_keys(code))


def trust_of(home: str) -> Trust:
    return Trust(home, a_registry(), {}, {OFFER: Route(OFFER, "case_routing", "case_routing", True)})
