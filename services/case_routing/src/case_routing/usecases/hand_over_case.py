"""Offers a case that came back to the other district again."""

from __future__ import annotations

from case_routing.domain import policies
from case_routing.domain.model import Case
from case_routing.usecases.acting import Command, act_on
from case_routing.usecases.opening import agreed
from case_routing.usecases.ports import Work


def hand_over_case(work: Work, command: Command) -> Case:
    """The case is handed over, under a new turn. Raises OutOfOrder where nothing came back.

    What the link refused was never opened: it may raise NoAgreement or NotAgreed.
    """
    return act_on(work, command, agreed(work, policies.hand_over))
