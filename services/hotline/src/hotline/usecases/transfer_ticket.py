"""转派: hand a ticket to the district it belongs to."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hotline.domain.events import TicketProgressed, TransferOffered
from hotline.domain.model import Ticket
from hotline.domain.policies import offered
from hotline.usecases.get_ticket import ticket_for_change
from hotline.usecases.ports import Work


def transfer_ticket(work: Work, number: str, *, to: str, reason: str, opener_subject: str, now: datetime) -> Ticket:
    """The ticket as offered: from now on this district may not answer it, and the other is responsible from its commit.

    `opener_subject` is the person's subject in the district `to`, empty where nobody knows it. Raises TicketNotFound,
    InvalidTicket, AlreadyAnswered, HandingOver, HeldElsewhere, SameDistrict, BounceInstead.
    """
    ticket = offered(ticket_for_change(work, number), to, reason, now)
    message = TransferOffered(ticket, ticket.turn + 1, ticket.timeline[-1].note, opener_subject)
    ticket = replace(ticket, hand_over_id=work.send(message, to))
    work.tickets.save(ticket)
    work.record(TicketProgressed(ticket))
    return ticket


def opener_known_here(work: Work, number: str) -> str:
    """The subject of the person who opened the ticket, if this is the district that knows them; else empty.

    A district that was handed the ticket has a subject that means something to itself alone.
    """
    ticket = work.tickets.get(number)
    return ticket.opener_subject if ticket and ticket.opened_in == work.district else ""
