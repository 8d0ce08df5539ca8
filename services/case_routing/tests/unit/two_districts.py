"""Two districts and the link between them, as pure as the domain: letters in flight may overtake and come twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from case_routing.domain.errors import CaseError
from case_routing.domain.events import Arrived, Event, Offered, Progressed, Send
from case_routing.domain.history import Moment, Step
from case_routing.domain.letters import Dossier, read, returned
from case_routing.domain.model import Act, Case, Entry, Mode
from case_routing.domain.policies import submit
from case_routing.domain.writers import PHASE_OF_ACT, WRITERS, Phase, writer

from ..factories import HANDLING, INTAKE, START, an_application


@dataclass
class Flight:
    """A letter on the link; compared by its message id."""

    arrived: Arrived
    to: str


@dataclass
class TwoDistricts:
    """One case number and what each of the two districts holds of it."""

    mode: Mode
    dossiers: dict[str, Dossier] = field(default_factory=dict)
    flying: list[Flight] = field(default_factory=list)
    landed: list[Flight] = field(default_factory=list)
    refused: list[Flight] = field(default_factory=list)
    facts: dict[str, list[Progressed]] = field(default_factory=dict)
    clock: int = 0
    letters: int = 0

    def __post_init__(self) -> None:
        application = an_application(self.mode)
        for here in (INTAKE, HANDLING):
            self.dossiers[here] = Dossier(here, application.number)
            self.facts[here] = []
        self._keep(INTAKE, self._with(INTAKE, submit(application, INTAKE, self.moment())))

    def moment(self) -> Moment:
        self.clock += 1
        return Moment(START + timedelta(seconds=self.clock))

    def case(self, district: str) -> Case | None:
        return self.dossiers[district].case

    def act(self, district: str, policy: Callable[[Case, Moment], Step]) -> None:
        case = self.case(district)
        assert case is not None
        self._keep(district, self._with(district, policy(case, self.moment())))

    def possible(self, acts: Mapping[str, Callable[[Case, Moment], Step]]) -> list[tuple[str, str]]:
        """Which district could do which act now."""
        found = []
        for district, dossier in self.dossiers.items():
            for name, policy in acts.items():
                with suppress(CaseError):
                    if dossier.case is not None and policy(dossier.case, Moment(START)).events:
                        found.append((district, name))
        return found

    def land(self, index: int, *, stays: bool = False) -> None:
        """The letter arrives; `stays`: and is still under way, to arrive once more."""
        flight = self.flying[index] if stays else self.flying.pop(index)
        self.landed.append(flight)
        self._keep(flight.to, read(self.dossiers[flight.to], flight.arrived, self.moment()))

    def land_again(self, index: int) -> None:
        flight = self.landed[index]
        self._keep(flight.to, read(self.dossiers[flight.to], flight.arrived, self.moment()))

    def refuse(self, index: int) -> None:
        """The link of the reading district refuses an offer that it never handed on."""
        self.refused.append(self.flying.pop(index))
        self.refuse_again(self.refused[-1])

    def refuse_again(self, flight: Flight) -> None:
        giver = flight.arrived.sender
        self._keep(giver, returned(self.dossiers[giver], flight.arrived.id, True, "courier.not_agreed", self.moment()))

    def may_refuse(self, index: int) -> bool:
        """A courier answers one message once: not after it handed it on."""
        flight = self.flying[index]
        return isinstance(flight.arrived.letter, Offered) and flight not in self.landed

    def land_damaged(self, index: int) -> None:
        """An offer arrives with another content than its digest says; its undamaged twin is still under way."""
        flight = self.flying[index]
        offer = flight.arrived.letter
        assert isinstance(offer, Offered)
        torn = tuple(replace(material, content=b"torn", sha256="0" * 64) for material in offer.file.materials)
        arrived = replace(flight.arrived, letter=replace(offer, file=replace(offer.file, materials=torn)))
        self.landed.append(flight)
        self._keep(flight.to, read(self.dossiers[flight.to], arrived, self.moment()))

    def land_everything(self) -> None:
        while self.flying:
            self.land(0)

    def _with(self, district: str, step: Step) -> tuple[Dossier, tuple[Event, ...]]:
        return replace(self.dossiers[district], case=step.case), step.events

    def _keep(self, district: str, outcome: tuple[Dossier, tuple[Event, ...]]) -> None:
        dossier, events = outcome
        assert forbidden_changes(self.case(district), dossier.case) == set()
        for event in events:
            if isinstance(event, Progressed):
                self.facts[district].append(event)
                continue
            assert isinstance(event, Send)
            self.letters += 1
            message_id = f"message-{self.letters}"
            self.flying.append(Flight(Arrived(event.letter, district, message_id), event.to))
            if isinstance(event.letter, Offered):
                assert dossier.case is not None
                dossier = replace(dossier, case=replace(dossier.case, offer_id=message_id))
        self.dossiers[district] = dossier


#: Acts by which a giver notes what the taker (or the taker's link) made of its offer.
ANSWERS = {Act.HAND_OVER_DECLINED, Act.HAND_OVER_GIVEN_BACK, Act.HAND_OVER_REFUSED}


def forbidden_changes(before: Case | None, after: Case | None) -> set[str]:
    """Fields that changed although no new entry's district is their writer in that entry's phase."""
    if after is None:
        return set()
    known = {entry.key for entry in before.history} if before else set()
    new = [entry for entry in after.history if entry.key not in known]
    changed = {name for name in WRITERS if getattr(after, name) and (before is None or _differ(name, before, after))}
    return {name for name in changed if not any(_may_write(name, entry, before, after) for entry in new)}


def _differ(name: str, before: Case, after: Case) -> bool:
    return getattr(before, name) != getattr(after, name)


def _may_write(name: str, entry: Entry, before: Case | None, after: Case) -> bool:
    other = after.handling if entry.district == after.intake else after.intake
    author, taker = (other, other) if entry.act in ANSWERS else (entry.district, entry.district)
    phase = Phase.HANDING_OVER if entry.act in ANSWERS else PHASE_OF_ACT.get(entry.act)
    # A withdrawal, an offer and a wish belong to the phase that their district is in: any in which it writes the state.
    phases = [phase] if phase else [p for p in Phase if p is not Phase.ENDED]
    return any(writer(name, p, intake=after.intake, handling=after.handling, taker=taker) == author for p in phases)
