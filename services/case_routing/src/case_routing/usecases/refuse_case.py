"""不予: the application is refused, with reasons."""

from __future__ import annotations

from case_routing.domain import policies
from case_routing.domain.model import Case
from case_routing.usecases.acting import Command, act_on
from case_routing.usecases.ports import Numbers, Work


def refuse_case(work: Work, command: Command, reasons: str, numbers: Numbers) -> Case:
    """Refused; on its way to delivery. Raises ReasonsRequired."""
    return act_on(
        work,
        command,
        lambda case, moment: policies.refuse(case, reasons, numbers.document_number(case.here, moment.now), moment),
    )
