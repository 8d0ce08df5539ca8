"""Open a ticket."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from hotline.domain.events import TicketProgressed
from hotline.domain.model import State, Ticket, Viewer
from hotline.domain.policies import check_case_number, check_text, number_for
from hotline.usecases.ports import Work


def open_ticket(
    work: Work, opener: Viewer, *, subject_line: str, body: str, case_number: str, now: datetime, identifier: UUID
) -> Ticket:
    """A new ticket of this district. A citizen opens it in their own name, an agent for a caller who is not known.

    Raises InvalidTicket.
    """
    ticket = Ticket(
        number=number_for(work.district, now, identifier),
        place=str(identifier),
        district=work.district,
        opened_in=work.district,
        state=State.OPEN,
        holder=work.district,
        opener_subject="" if opener.is_agent else opener.subject,
        subject_line=check_text("subject_line", subject_line),
        body=check_text("body", body),
        case_number=check_case_number(case_number),
        opened_at=now,
    ).after("opened", now)
    work.tickets.save(ticket)
    work.record(TicketProgressed(ticket))
    return ticket
