"""The giver asks for an open hand-over back."""

from __future__ import annotations

from case_routing.domain import policies
from case_routing.domain.model import Case
from case_routing.usecases.acting import Command, act_on
from case_routing.usecases.ports import Work


def recall_hand_over(work: Work, command: Command) -> Case:
    """Asks; the answer comes by letter. Raises NotHandingOver."""
    return act_on(work, command, policies.recall)
