"""What the use cases need of the outside, and the values that pass between them and it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from courier.domain.chain import Entry, Head
from courier.domain.envelope import Claims, Lane
from courier.domain.errors import Rejected
from courier.domain.manifest import Manifest
from courier.domain.order import Line
from courier.domain.receipts import Item
from courier.domain.rules import Seen


@dataclass(frozen=True)
class Outbound:
    """A message as a service's relay handed it over; `seq` is the service's own count for target and subject."""

    id: UUID
    service: str
    type: str
    target: str
    subject: str
    seq: int
    body: bytes = field(repr=False)
    opens: str = ""
    answers_to: UUID | None = None
    valid_until: datetime | None = None
    trace: str = ""


@dataclass(frozen=True)
class Signed:
    """A message numbered and signed: one row of `sent`."""

    claims: Claims
    service: str
    opens: str
    jws: str = field(repr=False)
    signed: str
    sealed: str = field(repr=False)
    trace: str


@dataclass(frozen=True)
class Unsent:
    """A message that never got a number: refused here, with the reason; `sealed` to ourselves, empty where it is not kept."""

    message: Outbound
    peer: str
    code: str
    reason: str
    sealed: str = field(default="", repr=False)


@dataclass(frozen=True)
class Arrived:
    """An authenticated message: `body` is what was sealed, None where it is refused or still sealed."""

    claims: Claims
    jws: str = field(repr=False)
    signed: str
    sealed: str = field(repr=False)
    trace: str
    opens: str = ""
    body: bytes | None = field(default=None, repr=False)
    refusal: Rejected | None = None
    #: What the body consists of, where it travels in chunks.
    manifest: Manifest | None = None


@dataclass(frozen=True)
class Held:
    """A message that waits in its subject, sealed as it came; `jws` empty for a refused one that fills its place."""

    jws: str = field(repr=False)
    sealed: str = field(repr=False)
    trace: str


@dataclass
class Subject:
    """How far one subject is with one peer."""

    sent_epoch: int = 0
    sent: int = 0
    agreement: int | None = None


@dataclass(frozen=True)
class Opened:
    """What was inside a sealed body."""

    opens: str
    message: bytes = field(repr=False)
    manifest: Manifest | None = None


@dataclass(frozen=True)
class Due:
    """A message that goes out now: its envelope, and how often it went before."""

    id: str
    jws: str = field(repr=False)
    sealed: str = field(repr=False)
    trace: str
    attempts: int


@dataclass(frozen=True)
class Settled:
    """A sent message whose fate is known now."""

    id: UUID
    peer: str
    service: str
    type: str
    subject: str


@dataclass(frozen=True)
class Arrivals:
    """What is known of one peer's numbers in one lane and epoch."""

    contiguous: int
    highest: int
    claimed: int
    gap_since: datetime | None
    asked_at: datetime | None


@dataclass(frozen=True)
class Standing:
    """How far two districts are with each other; see the contract."""

    registry_version: int = 0
    sent_epoch: int = 0
    sent_number: int = 0
    seen_epoch: int = 0
    seen_number: int = 0


class Seals(Protocol):
    """Signing and sealing with this district's keys."""

    def sign(self, payload: bytes, now: datetime, *, longest_known: bool = False) -> str:
        """With our newest key, or with the one that a peer with an older registry knows too. Raises Rejected `no_own_key`."""

    def payload(self, jws: str) -> bytes:
        """What a signature that was checked before says."""

    def seal(self, peer: str, opens: str, body: bytes, now: datetime, manifest: Manifest | None = None) -> str:
        """Sealed to the peer's current key: the body, or its manifest. Raises Rejected `no_key` where it has none."""

    def seal_piece(self, peer: str, piece: bytes, now: datetime) -> str:
        """A chunk. Raises Rejected `no_key`."""

    def unseal_piece(self, sealed: str) -> bytes:
        """Raises Malformed."""

    def unseal(self, sealed: str) -> Opened:
        """Raises Malformed."""

    def seal_to_self(self, message: Outbound) -> str: ...

    def unseal_own(self, sealed: str) -> Outbound: ...


class LogWork(Protocol):
    """The log, inside one transaction."""

    def lock_head(self) -> Head:
        """The log's head; until the end of the transaction nobody else appends."""

    def append(self, entries: Sequence[Entry], jws: Sequence[str], heads: Sequence[Head]) -> None: ...


class SendWork(LogWork, Protocol):
    """What sending needs of a transaction."""

    def lock_numbers(self, peers: Iterable[str]) -> dict[tuple[str, Lane], int]:
        """The last number per peer and lane; nobody else numbers for these peers until the end of the transaction."""

    def known(self, ids: Iterable[UUID]) -> set[UUID]: ...

    def streams(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, int]]: ...

    def early(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], dict[int, str]]: ...

    def keep_early(self, messages: Mapping[Outbound, str], now: datetime) -> None: ...

    def drop_early(self, keys: Iterable[tuple[str, str, int]]) -> None: ...

    def save_streams(self, streams: Mapping[tuple[str, str], tuple[str, int]]) -> None: ...

    def subjects(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Subject]: ...

    def save_sent_subjects(self, subjects: Mapping[tuple[str, str], Subject]) -> None: ...

    def save_numbers(self, numbers: Mapping[tuple[str, Lane], int]) -> None: ...

    def add_sent(self, messages: Sequence[Signed], now: datetime) -> None: ...

    def add_chunks(self, peer: str, id: UUID, chunks: Sequence[str]) -> None:
        """Keeps the sealed chunks of a message's body until it is pruned."""

    def add_unsent(self, refused: Sequence[Unsent], now: datetime) -> None: ...

    def tell_refused(self, settled: Settled, code: str, reason: str, now: datetime) -> None: ...


class TakeWork(LogWork, Protocol):
    """What taking needs of a transaction."""

    def lock_links(self, peers: Iterable[str]) -> None: ...

    def seen(self, claims: Iterable[Claims]) -> dict[tuple[str, Lane, int, int], tuple[Seen | None, UUID | None]]: ...

    def taken_ids(self, ids: Iterable[UUID]) -> dict[UUID, str]: ...

    def lines(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[Line[Held], int | None]]: ...

    def save_lines(self, lines: Mapping[tuple[str, str], tuple[Line[Held], int | None]]) -> None: ...

    def keep_held(self, source: str, subject: str, place: tuple[int, int], held: Held, now: datetime) -> None: ...

    def drop_held(self, source: str, subject: str, places: Iterable[tuple[int, int]]) -> None: ...

    def hand_on(self, claims: Claims, body: bytes, *, to: str, trace: str) -> None: ...

    def pieces(self, source: str, id: UUID) -> dict[str, str]:
        """The sealed chunks of a message's body that are here, by digest."""

    def keep_parcel(self, item: Arrived, most: int, now: datetime) -> None:
        """Keeps a message whose body is on its way, and the names of what it lacks: at most `most` octets a peer."""

    def drop_parcel(self, source: str, id: UUID) -> None: ...

    def add_received(self, source: str, items: Sequence[Item], receipt_id: UUID, now: datetime) -> None: ...

    def add_receipt(self, receipt_id: UUID, peer: str, jws: str, *, given: bool, now: datetime) -> None: ...

    def receipts(self, ids: Iterable[UUID]) -> dict[UUID, str]: ...

    def note_arrivals(
        self, source: str, lane: Lane, epoch: int, numbers: Sequence[int], *, refused: int, now: datetime
    ) -> None: ...

    def note(self, peer: str, event: str, now: datetime) -> None: ...

    def mark_answered(self, peer: str, ids: Iterable[UUID], now: datetime) -> None: ...

    def quarantine(self, what: Quarantined) -> None: ...


class SettleWork(Protocol):
    """What settling needs of a transaction."""

    def lock_links(self, peers: Iterable[str]) -> None: ...

    def settle(
        self, peer: str, items: Sequence[Item], state: str, receipt_id: UUID, now: datetime
    ) -> list[tuple[Settled, Item]]: ...

    def differing(self, peer: str, items: Sequence[Item]) -> int: ...

    def in_conflict(self, peer: str, items: Sequence[Item]) -> int: ...

    def add_receipt(self, receipt_id: UUID, peer: str, jws: str, *, given: bool, now: datetime) -> None: ...

    def tell_refused(self, settled: Settled, code: str, reason: str, now: datetime) -> None: ...

    def count_settled(self, peer: str, receipted: int, refused: int) -> None: ...

    def never_opened(self, peer: str, subjects: Iterable[str]) -> None:
        """Forgets the agreement of subjects of which nothing was ever accepted on either side."""

    def note(self, peer: str, event: str, now: datetime) -> None: ...


@dataclass(frozen=True)
class Quarantined:
    """Something that nobody can be held to: how it began, how big it was, and why."""

    id: UUID
    at: datetime
    written_by: str
    source: str
    code: str
    size: int
    start: bytes = field(repr=False)


@dataclass(frozen=True)
class Told:
    """Something to send in the control lane."""

    peer: str
    type: str
    body: bytes = field(repr=False)
    valid_until: datetime | None = None
    answers_to: UUID | None = None


# What operators see ----------------------------------------------------------------------------------------------------


class LinkState(StrEnum):
    """The state of a link, by what canaries and the registry say."""

    NEW = "new"
    UP = "up"
    DOWN = "down"
    SUSPENDED = "suspended"
    CLOSED = "closed"


@dataclass(frozen=True)
class Connection:
    """Whether there is a connection to a peer's broker; `since`: when it was lost, None while there is one."""

    connected: bool = False
    since: datetime | None = None


@dataclass(frozen=True)
class LinkRow:
    """What the books say about one link."""

    peer: str
    linked_since: datetime
    last_echo: datetime | None
    round_trip_ms: float
    clock_difference_ms: float
    receipted: int
    refused_by_peer: int
    sent: int
    received: int
    refused_here: int
    waiting: int
    oldest_waiting: datetime | None
    oldest_gap: datetime | None
    oldest_unanswered: datetime | None
    oldest_early: datetime | None
    last_conflict: datetime | None
    last_restore: datetime | None
    last_receipt_differing: datetime | None
    last_log_differing: datetime | None
    last_quarantine: datetime | None
    last_agreement_missing: datetime | None = None


@dataclass(frozen=True)
class LinkView:
    """One link as an operator sees it."""

    peer: str
    state: LinkState
    last_echo: datetime | None
    round_trip_ms: float
    clock_difference_ms: float
    waiting: int
    oldest_waiting_s: float
    sent: int
    receipted: int
    received: int
    refused_by_peer: int
    refused_here: int
    registry_version: int
    lights: tuple[str, ...]
    connected: bool
    no_connection_since: datetime | None


@dataclass(frozen=True)
class SentView:
    """One sent message as an operator sees it; nothing of its content."""

    id: UUID
    peer: str
    epoch: int
    number: int
    subject: str
    type: str
    state: str
    created_at: datetime
    settled_at: datetime | None
    attempts: int
    code: str
