"""A case as one district holds it: a copy of what both know, and who may act on it.

Both copies grow by the same entries. Each entry is written by the district that did the act, is known by
(district, version), and may arrive at the other in any order and more than once: history is a set, the state is that of
its latest entry by (turn, version), and `version` counts the entries known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256


class State(StrEnum):
    """Where a case stands, on the plain path; what comes later in the project is absent."""

    SUBMITTED = "submitted"
    RECEIVED = "received"  # 收件
    FORWARDED = "forwarded"
    ACCEPTED = "accepted"  # 受理
    UNDER_REVIEW = "under_review"
    GRANTED = "granted"
    REFUSED = "refused"
    PRODUCED = "produced"
    DELIVERED = "delivered"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


_NUMBER = re.compile(r"[0-9]{6}-[0-9]{8}-[0-9A-Z]{4,16}")
ENDED = frozenset({State.CLOSED, State.WITHDRAWN})


class Act(StrEnum):
    """What a district does to a case; one history entry each."""

    SUBMITTED = "submitted"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    REVIEW_STARTED = "review_started"
    GRANTED = "granted"
    REFUSED = "refused"
    PRODUCED = "produced"
    DELIVERED = "delivered"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    WITHDRAWAL_ASKED = "withdrawal_asked"
    WITHDRAWAL_DENIED = "withdrawal_denied"
    HAND_OVER_OFFERED = "hand_over_offered"
    HAND_OVER_TAKEN = "hand_over_taken"
    HAND_OVER_DECLINED = "hand_over_declined"
    HAND_OVER_GIVEN_BACK = "hand_over_given_back"
    HAND_OVER_REFUSED = "hand_over_refused"
    RECALL_ASKED = "hand_over_recall_asked"
    RECALL_DENIED = "hand_over_recall_denied"
    MESSAGE_REFUSED = "message_refused"


class Purpose(StrEnum):
    """What a hand-over of responsibility is for."""

    HANDLE = "handle"
    DELIVER = "deliver"


class Mode(StrEnum):
    """The three national modes of handling across provinces."""

    FULLY_ONLINE = "fully_online"  # 全程网办
    PROXY_COLLECTION = "proxy_collection"  # 异地代收代办
    JOINT_HANDLING = "joint_handling"  # 多地联办


@dataclass(frozen=True, slots=True)
class Item:
    """The service item as it stood when the case was submitted."""

    code: str
    name_zh: str
    name_en: str
    mode: Mode
    #: How far the name can be relied on, in the words of the catalogue ("read", "recalled", …).
    provenance: str


@dataclass(frozen=True, slots=True)
class Guide:
    """What the catalogue says of an item: who decides, and which materials belong to an application."""

    item: Item
    handling: str
    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()


class ApplicantKind(StrEnum):
    """Who may apply."""

    PERSON = "person"
    FIRM = "firm"  # 法人


@dataclass(frozen=True, slots=True)
class Handler:
    """The person who acts for a firm that applies (经办人)."""

    name: str = field(default="", repr=False)
    #: As with the applicant: in the district that holds this copy, and in the other one.
    subject: str = ""
    peer_subject: str = ""

    def for_peer(self) -> Handler:
        return Handler(self.name, self.peer_subject, self.subject)


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who applies. Personal data: never logged, masked in answers, sealed at rest. A firm has its credit code for a number."""

    name: str = field(repr=False)
    id_number: str = field(repr=False)
    acr: str
    #: The district whose identity service knows the person.
    home: str
    #: The person's subject in the district that holds this copy, and in the other one.
    subject: str
    peer_subject: str = ""
    kind: ApplicantKind = ApplicantKind.PERSON
    handler: Handler = Handler()

    @property
    def to_tell(self) -> str:
        """Subject of the person who is told what happens: a firm reads nothing itself."""
        return self.handler.subject if self.kind is ApplicantKind.FIRM else self.subject

    def told_by(self, district: str, here: str) -> Applicant:
        """The person as `district` tells of them, under a name that lies in that district's own space of names.

        A person of another district is called `<its code>:<subject>` here, and whoever takes the file writes the code: so no
        district can speak of our people, or of those of a third one (infra/adr/0014).
        """
        home = district if self.home == here else self.home
        handler = replace(self.handler, subject=_of(district, self.handler.subject))
        return replace(self, subject=_of(district, self.subject), home=home, handler=handler)


def _of(district: str, subject: str) -> str:
    return f"{district}:{subject}" if subject else ""


@dataclass(frozen=True, slots=True)
class Acting:
    """The person whose request it is."""

    subject: str
    #: The district that knows them.
    home: str
    #: Subject of the firm that they act for; "": themself.
    firm: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """A citizen who sees and acts on own cases, or on those of the firm that they act for."""

    #: Of the person, or of the firm.
    subject: str
    #: Items that their mandate is limited to; none: all.
    item_codes: frozenset[str] = frozenset()

    def may_see(self, case: Case) -> bool:
        return case.belongs_to(self.subject) and self.covers(case.item.code)

    def covers(self, item_code: str) -> bool:
        return not self.item_codes or item_code in self.item_codes


@dataclass(frozen=True, slots=True)
class Party:
    """Who applies, and how far who asks may act for them."""

    applicant: Applicant
    reader: Reader


@dataclass(frozen=True, slots=True)
class Material:
    """A paper or file as handed in. The content stays with its custodian; the digest travels."""

    key: str
    name: str
    media_type: str
    size: int
    #: Lower-case hex SHA-256 of the content.
    sha256: str
    #: None where it was not read from the store.
    content: bytes | None = field(default=None, repr=False, compare=False)

    @property
    def intact(self) -> bool:
        """Whether the content at hand is the content that the digest names."""
        return self.content is not None and sha256(self.content).hexdigest() == self.sha256


@dataclass(frozen=True, slots=True)
class Custody:
    """One movement of a material from hand to hand; from "" is the person's own."""

    material_key: str
    from_district: str
    to_district: str
    at: datetime
    sha256: str
    turn: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision and its document. Reasons are told to the person and may be personal: sealed at rest."""

    granted: bool
    reasons: str = field(repr=False)
    document_no: str
    decided_at: datetime
    district: str


@dataclass(frozen=True, slots=True)
class Responsibility:
    """Who may act. `turn` counts the offers of hand-over, from 1 for the intake district's own."""

    holder: str
    turn: int = 1
    #: The district that responsibility is offered to: "handing over", nobody may act.
    offered_to: str = ""
    purpose: Purpose | None = None

    @property
    def handing_over(self) -> bool:
        return bool(self.offered_to)

    def held_by(self, district: str, turn: int) -> Responsibility:
        return Responsibility(district, turn)

    def offer(self, to: str, purpose: Purpose) -> Responsibility:
        return Responsibility(self.holder, self.turn + 1, to, purpose)


@dataclass(frozen=True, slots=True)
class Entry:
    """One act as its district wrote it down."""

    district: str
    #: Position among what the writing district knew of the case.
    version: int
    turn: int
    act: Act
    at: datetime
    note: str = ""
    #: The state that the act led to; None where it left the state alone.
    state: State | None = None
    #: W3C traceparent of the work that wrote it.
    trace: str = ""

    @property
    def key(self) -> tuple[str, int]:
        return self.district, self.version

    @property
    def place(self) -> tuple[int, datetime, str, int]:
        """Order of the timeline, the same in both districts: turns are causal, clocks are not."""
        return self.turn, self.at, self.district, self.version


@dataclass(frozen=True, slots=True)
class Trace:
    """One burst of work on a case, where its spans can be found."""

    trace: str
    district: str
    act: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """One district's copy of a case."""

    #: The district that holds this copy.
    here: str
    number: str
    item: Item
    intake: str
    handling: str
    applicant: Applicant
    materials: tuple[Material, ...]
    state: State
    responsibility: Responsibility
    submitted_at: datetime
    updated_at: datetime
    kiosk_id: str = ""
    version: int = 0
    history: tuple[Entry, ...] = ()
    custody: tuple[Custody, ...] = ()
    traces: tuple[Trace, ...] = ()
    decision: Decision | None = None
    received_at: datetime | None = None
    accepted_at: datetime | None = None
    closed_at: datetime | None = None
    #: Why a person has to look: the code with which the other district or the link refused something.
    attention: str = ""
    #: Id of the courier message that carries the open or latest offer.
    offer_id: str = ""

    @property
    def peer(self) -> str:
        """The other district of this case; "" where one district does it all."""
        if self.intake == self.handling:
            return ""
        return self.handling if self.here == self.intake else self.intake

    @property
    def may_act(self) -> bool:
        """Whether this district may act: it holds responsibility and has not offered it."""
        return self.responsibility.holder == self.here and not self.responsibility.handing_over

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def decided(self) -> bool:
        return self.decision is not None

    @property
    def shared(self) -> bool:
        """Whether the other district holds a copy: it has written in the history."""
        return bool(self.peer) and any(entry.district == self.peer for entry in self.history)

    @property
    def withdrawal_pending(self) -> bool:
        """Whether the applicant asked to withdraw and no district has answered."""
        acts = {entry.act for entry in self.history}
        return Act.WITHDRAWAL_ASKED in acts and acts.isdisjoint({Act.WITHDRAWN, Act.WITHDRAWAL_DENIED})

    def knows(self, entry: Entry) -> bool:
        return any(known.key == entry.key for known in self.history)

    def belongs_to(self, subject: str) -> bool:
        """Whether the person or firm with this subject, in this district, is the applicant."""
        return bool(subject) and self.applicant.subject == subject

    def for_peer(self) -> Case:
        """This copy as the other district may have it: its own subject of the applicant, nothing that is only ours."""
        us = self.applicant
        applicant = replace(us, subject=us.peer_subject, peer_subject=us.subject, handler=us.handler.for_peer())
        return replace(self, here=self.peer, applicant=applicant, traces=(), attention="", offer_id="")


def is_number(text: str) -> bool:
    """Whether `text` has the form of a case number: intake district, day, random part."""
    return _NUMBER.fullmatch(text) is not None


def intake_of(number: str) -> str:
    """The intake district, which every case number begins with."""
    return number.partition("-")[0]


class Answer(StrEnum):
    """What a taker made of an offered turn; given once per turn and never changed."""

    TAKEN = "taken"
    DECLINED = "declined"
    GIVEN_BACK = "given_back"
