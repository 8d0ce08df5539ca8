"""What opens a case at another district is held against the agreement in force, before anything is kept or sent."""

from __future__ import annotations

from collections.abc import Callable

from case_routing.domain.agreements import check_may_open, is_opened
from case_routing.domain.history import Moment, Step
from case_routing.domain.model import Case, Purpose
from case_routing.usecases.ports import Work


def agreed(work: Work, policy: Callable[[Case, Moment], Step]) -> Callable[[Case, Moment], Step]:
    """`policy`, where a first offer to handle raises NoAgreement or NotAgreed unless it may be made now."""

    def decide(case: Case, moment: Moment) -> Step:
        step = policy(case, moment)
        offered = step.case.responsibility
        if offered.handing_over and offered.purpose is Purpose.HANDLE and not is_opened(case):
            check_may_open(work.agreements.of(case.peer), case.here, case.peer, case.item.code, moment.now)
        return step

    return decide
