"""Answer a ticket."""

from __future__ import annotations

from datetime import datetime

from hotline.domain.events import Answered, TicketProgressed
from hotline.domain.model import Ticket
from hotline.domain.policies import answered
from hotline.usecases.get_ticket import ticket_for_change
from hotline.usecases.ports import Work


def answer_ticket(work: Work, number: str, *, answer: str, now: datetime) -> Ticket:
    """The answered ticket; the answer goes back the way the ticket came.

    Raises TicketNotFound, InvalidTicket, AlreadyAnswered, HandingOver, HeldElsewhere.
    """
    ticket = answered(ticket_for_change(work, number), answer, now)
    keep_answered(work, ticket)
    return ticket


def keep_answered(work: Work, ticket: Ticket) -> None:
    """Saves an answered ticket and tells this district and the one that handed it over."""
    work.tickets.save(ticket)
    work.record(TicketProgressed(ticket))
    if ticket.came_from:
        at = ticket.timeline[-1].at
        work.send(Answered(ticket.number, ticket.turn, ticket.answer, ticket.answered_by, at), ticket.came_from)
