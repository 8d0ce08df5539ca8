"""受理: a clerk of the handling district accepts; the decision clock starts."""

from __future__ import annotations

from case_routing.domain import policies
from case_routing.domain.model import Case
from case_routing.usecases.acting import Command, act_on
from case_routing.usecases.ports import Work


def accept_case(work: Work, command: Command) -> Case:
    """The case is accepted and under review."""
    return act_on(work, command, policies.accept)
