"""A complete application becomes a numbered case."""

from __future__ import annotations

from case_routing.domain import policies
from case_routing.domain.agreements import check_may_open
from case_routing.domain.history import Moment
from case_routing.domain.letters import Dossier
from case_routing.domain.model import Case
from case_routing.domain.policies import Application
from case_routing.usecases.ports import Work


def submit_case(work: Work, application: Application, here: str, moment: Moment) -> Case:
    """Case, history, custody and everything to be told of it, in one commit. Raises NoAgreement or NotAgreed.

    Also what a clerk has to receive first is refused now: nobody comes to the hall for what could not go on.
    """
    if (handling := application.handling) != here:
        check_may_open(work.agreements.of(handling), here, handling, application.item.code, moment.now)
    step = policies.submit(application, here, moment)
    work.cases.save(Dossier(here, application.number, step.case))
    for event in step.events:
        work.record(event)
    return step.case
