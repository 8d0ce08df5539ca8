"""Give a ticket back: "not ours"."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hotline.domain.events import Bounced, TicketProgressed
from hotline.domain.model import Ticket
from hotline.domain.policies import bounced
from hotline.usecases.get_ticket import ticket_for_change
from hotline.usecases.ports import Work


def bounce_ticket(work: Work, number: str, *, reason: str, now: datetime) -> Ticket:
    """The ticket as given back, with the reason, to the district that handed it over.

    Raises TicketNotFound, InvalidTicket, AlreadyAnswered, HandingOver, HeldElsewhere, NowhereToReturn.
    """
    ticket = bounced(ticket_for_change(work, number), reason, now)
    message = Bounced(ticket.number, ticket.turn, ticket.timeline[-1].note, now)
    ticket = replace(ticket, hand_over_id=work.send(message, ticket.came_from))
    work.tickets.save(ticket)
    work.record(TicketProgressed(ticket))
    return ticket
