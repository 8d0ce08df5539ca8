"""送达: a clerk of the intake district has given the person the decision."""

from __future__ import annotations

from case_routing.domain import policies
from case_routing.domain.model import Case
from case_routing.usecases.acting import Command, act_on
from case_routing.usecases.ports import Work


def deliver_case(work: Work, command: Command) -> Case:
    """The case is delivered and closed."""
    return act_on(work, command, policies.deliver)
