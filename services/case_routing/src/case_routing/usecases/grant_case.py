"""准予: the application is granted and its result produced."""

from __future__ import annotations

from case_routing.domain import policies
from case_routing.domain.model import Case
from case_routing.usecases.acting import Command, act_on
from case_routing.usecases.ports import Numbers, Work


def grant_case(work: Work, command: Command, reasons: str, numbers: Numbers) -> Case:
    """Granted and produced; on its way to delivery."""
    return act_on(
        work,
        command,
        lambda case, moment: policies.grant(case, reasons, numbers.document_number(case.here, moment.now), moment),
    )
