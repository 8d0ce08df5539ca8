"""What every act on a case has in common: lock, check who and which version, decide, keep, tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from case_routing.domain.errors import NotYours, UnknownCase
from case_routing.domain.history import Moment, Step
from case_routing.domain.model import Case, Reader, is_number
from case_routing.domain.policies import check_version
from case_routing.usecases.ports import Work


@dataclass(frozen=True, slots=True)
class Command:
    """An act that a person wants done."""

    number: str
    moment: Moment
    #: 0: whatever the version is now.
    expected_version: int = 0
    #: The citizen who acts; None where a clerk does, who may act on any case of this district.
    citizen: Reader | None = None


def act_on(work: Work, command: Command, policy: Callable[[Case, Moment], Step]) -> Case:
    """Does `policy` to the case. Raises UnknownCase, NotYours, VersionConflict, or what the policy refuses with."""
    dossier = work.cases.lock(well_formed(command.number))
    case = permitted(dossier.case, command.number, command.citizen)
    check_version(case, command.expected_version)
    with work.burst(case):
        step = policy(case, command.moment)
        if step.case is not case:
            work.cases.save(dossier.with_case(step.case))
        for event in step.events:
            work.record(event)
    return step.case


def well_formed(number: str) -> str:
    """The number, if it can be one. Raises UnknownCase."""
    if not is_number(number):
        raise UnknownCase(number[:64])
    return number


def permitted(case: Case | None, number: str, citizen: Reader | None = None) -> Case:
    """The case, if there is one and the citizen (if it is one who asks) is its applicant, or acts for it."""
    if case is None:
        raise UnknownCase(number)
    if citizen and not citizen.may_see(case):
        raise NotYours(number)
    return case
