"""Look at one ticket."""

from __future__ import annotations

from hotline.domain.errors import TicketNotFound
from hotline.domain.model import Ticket, Viewer
from hotline.domain.policies import may_see
from hotline.usecases.ports import Work


def get_ticket(work: Work, number: str, viewer: Viewer) -> Ticket:
    """The ticket, to an agent or the person who opened it; to anybody else it does not exist. Raises TicketNotFound."""
    ticket = work.tickets.get(number)
    if ticket is None or not may_see(ticket, viewer):
        raise TicketNotFound
    return ticket


def ticket_for_change(work: Work, number: str) -> Ticket:
    """The ticket, kept from others until the transaction ends. Raises TicketNotFound."""
    ticket = work.tickets.get_for_change(number)
    if ticket is None:
        raise TicketNotFound
    return ticket
