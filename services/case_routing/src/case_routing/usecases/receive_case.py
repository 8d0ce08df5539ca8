"""收件: a clerk of the intake district has checked form and identity."""

from __future__ import annotations

from case_routing.domain import policies
from case_routing.domain.model import Case
from case_routing.usecases.acting import Command, act_on
from case_routing.usecases.opening import agreed
from case_routing.usecases.ports import Work


def receive_case(work: Work, command: Command) -> Case:
    """The case is received; one that is handled elsewhere is offered there in the same commit.

    Raises NoAgreement or NotAgreed where that district would refuse it.
    """
    return act_on(work, command, agreed(work, policies.receive))
