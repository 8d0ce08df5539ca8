"""The contract and the domain say the same."""

from __future__ import annotations

import pytest
from hotline import messages
from hotline.domain.errors import InvalidTicket
from hotline.domain.events import Answered, Bounced, TicketProgressed, TransferOffered, TransferTaken
from hotline.domain.model import State

from ..factories import CITIZEN, GUSU, HUANGPU, NOW, ticket


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_number_of_its_own(state) -> None:
    assert messages.ticket_to_wire(ticket(state=state)).state != 0


def test_the_event_names_the_person_in_the_home_district_only() -> None:
    at_home = messages.event_to_wire(TicketProgressed(ticket()))
    elsewhere = messages.event_to_wire(TicketProgressed(ticket(district=HUANGPU, opener_subject="pairwise")))
    assert at_home.opener_subject == CITIZEN.subject
    assert elsewhere.opener_subject == ""


def test_the_event_carries_nothing_that_people_wrote() -> None:
    one = ticket().after("bounced", NOW, by=HUANGPU, note="a reason", answer="an answer")
    wire = messages.event_to_wire(TicketProgressed(one))
    text = wire.SerializeToString().decode("utf-8", "replace")
    assert (wire.event, wire.acting_district, wire.version) == ("bounced", HUANGPU, 2)
    assert not any(secret in text for secret in ("a reason", "an answer", one.body, one.subject_line))


def test_an_offer_brings_what_the_taker_needs_and_not_the_givers_subject() -> None:
    one = ticket(case_number="c")
    wire = messages.message_to_wire(TransferOffered(one, 2, "why", "pairwise"))
    assert CITIZEN.subject.encode() not in wire.SerializeToString()
    offer = messages.offer_of(wire)
    assert (offer.turn, offer.reason, offer.opener_subject) == (2, "why", "pairwise")
    assert (offer.ticket.number, offer.ticket.body, offer.ticket.case_number) == (one.number, one.body, "c")
    assert offer.ticket.timeline == one.timeline
    assert offer.ticket.opened_in == GUSU


def test_what_districts_tell_each_other_survives_the_way() -> None:
    for message, back in (
        (TransferTaken("n", 2), messages.taken_of),
        (Answered("n", 2, "text", HUANGPU, NOW), messages.answer_of),
        (Bounced("n", 3, "why", NOW), messages.bounce_of),
    ):
        assert back(messages.message_to_wire(message)) == message


def test_an_offer_in_an_unknown_state_is_refused() -> None:
    wire = messages.message_to_wire(TransferOffered(ticket(), 2, "why", ""))
    wire.ticket.state = 99
    with pytest.raises(InvalidTicket):
        messages.offer_of(wire)


def test_a_refused_messages_subject_names_the_ticket() -> None:
    assert messages.number_of(messages.subject_of("T1")) == "T1"
