"""The applicant takes the application back."""

from __future__ import annotations

from case_routing.domain import policies
from case_routing.domain.model import Case
from case_routing.usecases.acting import Command, act_on
from case_routing.usecases.ports import Work


def withdraw_case(work: Work, command: Command) -> Case:
    """Withdrawn at once where this district is responsible, else asked of the other. Raises AlreadyDecided."""
    return act_on(work, command, policies.withdraw)
