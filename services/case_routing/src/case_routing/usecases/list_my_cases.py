"""A person's own cases."""

from __future__ import annotations

from chassis.paging import Page, Wish, page

from case_routing.domain.model import Case
from case_routing.usecases.ports import Work


def list_my_cases(work: Work, subject: str, wish: Wish) -> Page[Case]:
    """Newest first."""
    return page(work.cases.mine(subject, wish), wish, lambda case: (case.submitted_at.isoformat(), case.number))
