"""Hear from another district what became of a ticket handed to it."""

from __future__ import annotations

from datetime import datetime

from hotline.domain.events import Answered, Bounced, TicketProgressed, TransferTaken
from hotline.domain.model import Ticket
from hotline.domain.policies import answered_elsewhere, given_back, refused, taken
from hotline.usecases.answer_ticket import keep_answered
from hotline.usecases.get_ticket import ticket_for_change
from hotline.usecases.ports import Work


def note_taken(work: Work, message: TransferTaken, *, sender: str, now: datetime) -> None:
    """The other district is responsible now. Raises TicketNotFound."""
    ticket = ticket_for_change(work, message.number)
    _keep(work, taken(ticket, message.turn, sender, now))


def keep_answer(work: Work, message: Answered, *, sender: str) -> None:
    """The answer came; it goes on to the district that the ticket came from, if there is one. Raises TicketNotFound."""
    ticket = ticket_for_change(work, message.number)
    done = answered_elsewhere(
        ticket, message.turn, sender, answer=message.answer, answered_by=message.answered_by, at=message.answered_at
    )
    if done is not None:
        keep_answered(work, done)


def take_back(work: Work, message: Bounced, *, sender: str) -> None:
    """ "Not ours", said the other district: this one is responsible again. Raises TicketNotFound."""
    ticket = ticket_for_change(work, message.number)
    _keep(work, given_back(ticket, message.turn, sender, message.reason, message.bounced_at))


def note_refusal(work: Work, number: str, *, message_id: str, peer: str, code: str, now: datetime) -> None:
    """The other side's courier refused a message: a failed hand-over leaves the ticket here, and an agent has to look.

    Raises TicketNotFound.
    """
    _keep(work, refused(ticket_for_change(work, number), message_id, peer, code, now))


def _keep(work: Work, ticket: Ticket | None) -> None:
    if ticket is not None:
        work.tickets.save(ticket)
        work.record(TicketProgressed(ticket))
