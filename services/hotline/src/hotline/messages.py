"""The hotline's contract ↔ its domain; the only module that knows generated code."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from chassis.contracts import EnumWords, moment, timestamp
from chassis.paging import Page
from google.protobuf.message import Message
from tongban.common.v1 import common_pb2 as common
from tongban.courier.v1.courier_pb2 import MessageRefused
from tongban.hotline.v1 import hotline_pb2 as pb
from tongban.identity.v1.identity_pb2 import Applicant, GetApplicantRequest

from hotline.domain import events
from hotline.domain.errors import InvalidTicket
from hotline.domain.model import Entry, State, Ticket, Viewer

if TYPE_CHECKING:
    from chassis.assertion import Actor

__all__ = [
    "AGENT", "CITIZEN", "CONTRACT", "Applicant", "GetApplicantRequest", "MessageRefused",
    "TicketAnswered", "TicketBounced", "TicketTransferOffered", "TicketTransferTaken",
]  # fmt: skip

CONTRACT = pb.DESCRIPTOR.services_by_name["HotlineService"]
TicketTransferOffered = pb.TicketTransferOffered
TicketTransferTaken = pb.TicketTransferTaken
TicketAnswered = pb.TicketAnswered
TicketBounced = pb.TicketBounced

AGENT, CITIZEN = "agent", "citizen"

_STATE = EnumWords(State, pb.TicketState, "TICKET_STATE")
_SUBJECT = "ticket/"


def viewer_of(actor: Actor) -> Viewer:
    return Viewer(actor.subject, AGENT in actor.roles)


def ticket_to_wire(ticket: Ticket) -> pb.Ticket:
    return pb.Ticket(
        number=ticket.number,
        opened_in=ticket.opened_in,
        holder=ticket.holder,
        state=_STATE.number(ticket.state),
        subject_line=ticket.subject_line,
        body=ticket.body,
        answer=ticket.answer,
        answered_by_district=ticket.answered_by,
        opened_at=timestamp(ticket.opened_at),
        answered_at=timestamp(ticket.answered_at),
        version=ticket.version,
        turn=ticket.turn,
        timeline=[_entry_to_wire(entry) for entry in ticket.timeline],
        case_number=ticket.case_number,
        offered_to=ticket.offered_to,
        came_from=ticket.came_from,
        attention=ticket.attention,
    )


def listed(page: Page[Ticket]) -> pb.ListTicketsResponse:
    return pb.ListTicketsResponse(tickets=page.map(ticket_to_wire), page=common.PageInfo(next=page.next))


def event_to_wire(event: events.TicketProgressed) -> pb.TicketProgressed:
    """Names the person only in the district where the ticket was opened: that one tells them of it."""
    ticket, last = event.ticket, event.ticket.timeline[-1]
    return pb.TicketProgressed(
        number=ticket.number,
        state=_STATE.number(ticket.state),
        acting_district=last.district,
        event=last.event,
        at=timestamp(last.at),
        version=ticket.version,
        opener_subject=ticket.opener_subject if ticket.opened_in == ticket.district else "",
    )


def message_to_wire(message: events.ToDistrict) -> Message:
    match message:
        case events.TransferOffered(ticket, turn, reason, opener):
            wire = ticket_to_wire(ticket)
            return pb.TicketTransferOffered(ticket=wire, turn=turn, reason=reason, opener_subject=opener)
        case events.TransferTaken(number, turn):
            return pb.TicketTransferTaken(number=number, turn=turn)
        case events.Answered(number, turn, answer, answered_by, at):
            return pb.TicketAnswered(
                number=number, turn=turn, answer=answer, answered_at=timestamp(at), answered_by_district=answered_by
            )
        case events.Bounced(number, turn, reason, at):
            return pb.TicketBounced(number=number, turn=turn, reason=reason, bounced_at=timestamp(at))


def subject_of(number: str) -> str:
    """What messages about a ticket are ordered by."""
    return _SUBJECT + number


def number_of(subject: str) -> str:
    return subject.removeprefix(_SUBJECT)


def offer_of(wire: pb.TicketTransferOffered) -> events.TransferOffered:
    """A ticket as another district offers it. What it says of who holds it is the giver's; the taker sets its own."""
    ticket = Ticket(
        number=wire.ticket.number,
        place="",
        district="",
        opened_in=wire.ticket.opened_in,
        state=_STATE.word(wire.ticket.state, partial(InvalidTicket, "state")),
        holder=wire.ticket.holder,
        opener_subject="",
        subject_line=wire.ticket.subject_line,
        body=wire.ticket.body,
        case_number=wire.ticket.case_number,
        opened_at=moment(wire.ticket.opened_at),
        version=wire.ticket.version,
        timeline=tuple(_entry_of(entry) for entry in wire.ticket.timeline),
    )
    return events.TransferOffered(ticket, wire.turn, wire.reason, wire.opener_subject)


def taken_of(wire: pb.TicketTransferTaken) -> events.TransferTaken:
    return events.TransferTaken(wire.number, wire.turn)


def answer_of(wire: pb.TicketAnswered) -> events.Answered:
    return events.Answered(wire.number, wire.turn, wire.answer, wire.answered_by_district, moment(wire.answered_at))


def bounce_of(wire: pb.TicketBounced) -> events.Bounced:
    return events.Bounced(wire.number, wire.turn, wire.reason, moment(wire.bounced_at))


def _entry_to_wire(entry: Entry) -> common.TimelineEntry:
    return common.TimelineEntry(
        at=timestamp(entry.at), district=entry.district, event=entry.event, note=entry.note, version=entry.version
    )


def _entry_of(wire: common.TimelineEntry) -> Entry:
    return Entry(moment(wire.at), wire.district, wire.event, wire.note, wire.version)
