"""Take a ticket that another district offers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from hotline.domain.events import Bounced, TicketProgressed, TransferOffered, TransferTaken
from hotline.domain.model import State
from hotline.domain.policies import check_offered, goes_in_circles, is_stale_offer, told_by
from hotline.usecases.ports import Work

IN_CIRCLES = "This district already has a part in this ticket; taking it again would send it in circles."


def take_ticket(work: Work, offer: TransferOffered, *, giver: str, now: datetime, identifier: UUID) -> None:
    """This district is responsible from this transaction's commit, and tells the giver so.

    A ticket that comes back in a circle is given back at once. An offer that comes again changes nothing.
    Raises InvalidTicket for a ticket that breaks the rules.
    """
    check_offered(offer.ticket, offer.turn)
    kept = work.tickets.get_for_change(offer.ticket.number)
    if is_stale_offer(kept, offer.turn):
        return
    if goes_in_circles(kept):
        work.send(Bounced(offer.ticket.number, offer.turn + 1, IN_CIRCLES, now), giver)
        return
    known = kept.timeline if kept else ()  # the way it was here before; what is written is not written anew
    ticket = replace(
        offer.ticket,
        place=kept.place if kept else str(identifier),
        district=work.district,
        state=State.OPEN,
        holder=work.district,
        turn=offer.turn,
        came_from=giver,
        offered_to="",
        hand_over_id="",
        attention="",
        opener_subject=told_by(giver, offer.opener_subject),
        version=max(offer.ticket.version, kept.version if kept else 0),
        timeline=(*known, *offer.ticket.timeline[len(known) :]),
    ).after("transfer_taken", now, note=offer.reason)
    work.tickets.save(ticket)
    work.send(TransferTaken(ticket.number, ticket.turn), giver)
    work.record(TicketProgressed(ticket))
