"""A person's own cases, or those of the firm that they act for."""

from __future__ import annotations

from chassis.paging import Page, Wish, page

from case_routing.domain.model import Case, Reader
from case_routing.usecases.ports import Work


def list_my_cases(work: Work, reader: Reader, wish: Wish) -> Page[Case]:
    """Newest first."""
    return page(work.cases.mine(reader, wish), wish, lambda case: (case.submitted_at.isoformat(), case.number))
