"""The world of the use cases in memory; the storage passes the same suite as the one on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

from case_routing.domain.agreements import Agreement
from case_routing.domain.errors import UnknownItem
from case_routing.domain.events import Event, Offered, Progressed, Send
from case_routing.domain.letters import Dossier
from case_routing.domain.model import Acting, Applicant, ApplicantKind, Case, Guide, Handler, Party, Reader
from case_routing.domain.policies import due_act
from chassis.paging import Wish

from .factories import an_agreement


@dataclass
class FakeCases:
    here: str
    kept: dict[str, Dossier] = field(default_factory=dict)

    def lock(self, number: str) -> Dossier:
        dossier = self.kept.get(number, Dossier(self.here, number))
        return replace(dossier, case=_without_contents(dossier.case))

    def get(self, number: str) -> Case | None:
        return self.lock(number).case

    def content(self, number: str, key: str) -> bytes | None:
        case = self.kept[number].case
        return next((each.content for each in case.materials if each.key == key), None) if case else None

    def save(self, dossier: Dossier) -> None:
        before = self.kept.get(dossier.number)
        if dossier.case is not None and before is not None and before.case is not None:
            # Contents are kept where they are, as in the table of their own.
            dossier = dossier.with_case(replace(dossier.case, materials=before.case.materials))
        self.kept[dossier.number] = dossier

    def mine(self, reader: Reader, wish: Wish) -> Sequence[Case]:
        return self._page((case for case in self._cases() if reader.may_see(case)), wish, newest_first=True)

    def worklist(self, wish: Wish) -> Sequence[Case]:
        return self._page((case for case in self._cases() if due_act(case)), wish, newest_first=False)

    def _cases(self) -> list[Case]:
        return [dossier.case for dossier in self.kept.values() if dossier.case]

    def _page(self, cases, wish: Wish, *, newest_first: bool) -> Sequence[Case]:
        ordered = sorted(cases, key=_place, reverse=newest_first)
        if wish.after is not None:
            ordered = [c for c in ordered if (_place(c) < wish.after if newest_first else _place(c) > wish.after)]
        return [replace(c, history=(), materials=(), custody=(), traces=()) for c in ordered[: wish.size + 1]]


@dataclass
class FakeAgreements:
    here: str
    kept: list[tuple[Agreement, str]] = field(default_factory=list)

    def of(self, peer: str) -> Sequence[Agreement]:
        return [made for made, _ in self.kept if set(made.parties) == {self.here, peer}]

    def text(self, made: Agreement) -> str | None:
        return next(
            (text for kept, text in self.kept if (kept.parties, kept.version) == (made.parties, made.version)), None
        )

    def add(self, made: Agreement, text: str) -> None:
        self.kept.append((made, text))


@dataclass
class FakeWork:
    cases: FakeCases
    agreements: FakeAgreements
    events: list[Event] = field(default_factory=list)
    _ids: count = field(default_factory=lambda: count(1))

    @classmethod
    def of(cls, here: str) -> FakeWork:
        """At first with an agreement under which everything may be opened."""
        return cls(FakeCases(here), FakeAgreements(here, [(an_agreement(), "")]))

    def record(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Send) and isinstance(event.letter, Offered):
            dossier = self.cases.kept[event.letter.number]
            offered = replace(dossier.case, offer_id=f"message-{next(self._ids)}")
            self.cases.kept[dossier.number] = dossier.with_case(offered)

    def burst(self, case: Case) -> AbstractContextManager[object]:
        return nullcontext()

    @property
    def letters(self) -> list[Send]:
        return [event for event in self.events if isinstance(event, Send)]

    @property
    def facts(self) -> list[Progressed]:
        return [event for event in self.events if isinstance(event, Progressed)]


@dataclass
class FakeCatalogue:
    guides: dict[str, Guide]

    def guide(self, item_code: str) -> Guide:
        if item_code not in self.guides:
            raise UnknownItem(item_code)
        return self.guides[item_code]


@dataclass
class FakePeople:
    person: Applicant
    asked: list[tuple[str, str]] = field(default_factory=list)
    #: Items that a mandate is limited to.
    item_codes: frozenset[str] = frozenset()

    def party(self, person: Acting, peer: str) -> Party:
        subject = person.firm or person.subject
        self.asked.append((subject, peer))
        who = replace(
            self.person, subject=subject, home=person.home, peer_subject=f"pairwise-{subject}" if peer else ""
        )
        if not person.firm:
            return Party(who, Reader(subject))
        handler = Handler("经办人", person.subject, f"pairwise-{person.subject}" if peer else "")
        return Party(replace(who, kind=ApplicantKind.FIRM, handler=handler), Reader(subject, self.item_codes))


class FakeNumbers:
    def __init__(self) -> None:
        self._next = count(1)

    def case_number(self, intake: str, now: datetime) -> str:
        return f"{intake}-{now:%Y%m%d}-{next(self._next):08d}"

    def document_number(self, district: str, now: datetime) -> str:
        return f"{district}-{now:%Y%m%d}-D{next(self._next):08d}"


def _place(case: Case) -> tuple[datetime, str]:
    return case.submitted_at, case.number


def _without_contents(case: Case | None) -> Case | None:
    return case and replace(case, materials=tuple(replace(material, content=None) for material in case.materials))
