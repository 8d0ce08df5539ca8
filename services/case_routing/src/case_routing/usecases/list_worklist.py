"""What this district's clerks have to act on."""

from __future__ import annotations

from chassis.paging import Page, Wish, page

from case_routing.domain.model import Case
from case_routing.usecases.ports import Work


def list_worklist(work: Work, wish: Wish) -> Page[Case]:
    """Oldest first."""
    return page(work.cases.worklist(wish), wish, lambda case: (case.submitted_at.isoformat(), case.number))
