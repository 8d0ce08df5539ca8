"""List tickets: a person's own, or what agents have to act on."""

from __future__ import annotations

from chassis.paging import Page, Wish, page

from hotline.domain.model import Ticket, Viewer
from hotline.usecases.ports import Work


def list_tickets(work: Work, viewer: Viewer, wish: Wish) -> Page[Ticket]:
    """Oldest first, by when they came into this district's book."""
    rows = work.tickets.worklist(wish) if viewer.is_agent else work.tickets.of_opener(viewer.subject, wish)
    return page(rows, wish, lambda ticket: (ticket.place,))
