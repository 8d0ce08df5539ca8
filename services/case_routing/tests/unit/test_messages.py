"""The contract carries the whole of a letter, and nothing personal leaves in an answer or a fact."""

from __future__ import annotations

from dataclasses import replace

import pytest
from case_routing import messages
from case_routing.domain.errors import BadLetter, ItemNotOffered
from case_routing.domain.events import (
    Acted,
    Declined,
    Offered,
    Progressed,
    RecallAnswered,
    RecallAsked,
    Send,
    Taken,
    WithdrawalAnswered,
    WithdrawalAsked,
)
from case_routing.domain.model import Act, Entry, Mode, State
from case_routing.domain.policies import grant
from chassis.errors import Fault
from tongban.case_routing.v1 import case_routing_pb2 as pb
from tongban.common.v1 import common_pb2 as common

from ..factories import HANDLING, INTAKE, START, a_number, an_applicant, at, submitted, under_review

NUMBER = a_number()
ENTRY = Entry(HANDLING, 5, 2, Act.ACCEPTED, START, "a note", State.ACCEPTED, f"00-{7:032x}-{1:016x}-01")
DECISION = grant(under_review(), "told in person", "document-1", at(3)).case.decision


@pytest.mark.parametrize(
    "letter",
    [
        Taken(NUMBER, 2, ENTRY),
        Declined(NUMBER, 2, "code", "reason"),
        RecallAsked(NUMBER, 2, ENTRY),
        RecallAnswered(NUMBER, 2, given_back=True),
        RecallAnswered(NUMBER, 2, False, ENTRY),
        Acted(NUMBER, ENTRY),
        Acted(NUMBER, ENTRY, DECISION),
        WithdrawalAsked(NUMBER, ENTRY),
        WithdrawalAnswered(NUMBER, True),
        WithdrawalAnswered(NUMBER, False, "case_routing.already_decided", ENTRY),
    ],
    ids=lambda letter: type(letter).__name__,
)
def test_a_letter_arrives_as_it_was_sent(letter):
    assert messages.unpack(*messages.pack(letter), HANDLING) == letter


def test_an_offer_carries_history_person_and_contents():
    offer = next(e.letter for e in submitted().events if isinstance(e, Send))
    told = messages.unpack(*messages.pack(offer), HANDLING)
    assert isinstance(told, Offered)
    assert told.file.history == offer.file.history
    assert told.file.applicant == replace(an_applicant(), subject="pairwise-1", peer_subject="")
    assert told.file.item == offer.file.item
    assert all(material.intact for material in told.file.materials)


@pytest.mark.parametrize(
    "wire",
    [
        pb.HandOverTaken(number="nonsense", turn=2),
        pb.HandOverTaken(number=NUMBER, turn=0, entry=messages._entry(ENTRY)),
        pb.HandOverTaken(number=NUMBER, turn=2),
        pb.HandOverOffered(number=NUMBER, turn=2, purpose="steal"),
        pb.HandOverOffered(number=NUMBER, turn=2, purpose="handle"),
        pb.CaseActed(number=NUMBER, entry=pb.CaseEntry(entry=common.TimelineEntry(event="burned"), turn=1)),
    ],
)
def test_a_letter_that_says_nothing_a_case_could_take_is_refused(wire):
    with pytest.raises(BadLetter):
        messages.letter_of(wire, HANDLING)


def test_an_answer_masks_the_person_and_leaves_contents_out():
    case = submitted().case
    wire = messages.case_to_wire(case)
    assert (wire.applicant_name_masked, wire.applicant_id_masked) == ("样**", "3205**********0012")
    assert wire.materials[0].content == b""
    raw = wire.SerializeToString()
    assert case.applicant.name.encode() not in raw
    assert case.applicant.id_number.encode() not in raw
    assert case.applicant.subject.encode() not in raw


def test_a_fact_names_the_person_only_in_the_persons_home_district():
    fact = next(e for e in submitted(Mode.PROXY_COLLECTION).events if isinstance(e, Progressed))
    assert messages.progressed(fact).applicant_subject == "person-1"
    elsewhere = Progressed(fact.case.for_peer(), fact.entry)
    assert elsewhere.case.applicant.subject == "pairwise-1"
    assert messages.progressed(elsewhere).applicant_subject == ""


def test_a_fact_says_what_happened_where_and_which_version_it_made():
    facts = [messages.progressed(e) for e in submitted().events if isinstance(e, Progressed)]
    assert [(fact.event, fact.acting_district, fact.version) for fact in facts] == [
        ("submitted", INTAKE, 1),
        ("received", INTAKE, 2),
        ("hand_over_offered", INTAKE, 3),
    ]


def test_every_state_and_mode_has_its_number():
    for state in State:
        case = replace(submitted().case, state=state)
        assert pb.CaseState.Name(messages.case_to_wire(case).state) == f"CASE_STATE_{state.name}"


def test_nothing_personal_shows_in_a_repr():
    case = grant(under_review(), "told in person", "document-1", at(3)).case
    for secret in ("样本甲", "320508199001010012", "told in person", "scan of a card"):
        assert secret not in repr(case)


@pytest.mark.parametrize("cursor", ["!", "WyJ4IiwgInkiXQ", "WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwgInkiXQ"])
def test_a_cursor_without_a_moment_in_it_is_refused(cursor):
    with pytest.raises(Fault) as refused:
        messages.case_wish(common.PageRequest(cursor=cursor))
    assert refused.value.code == "request.bad_page"


def test_an_item_that_does_not_say_how_it_is_handled_is_not_offered():
    with pytest.raises(ItemNotOffered):
        messages.guide(messages.GuideAnswer(code="x", handling_district=HANDLING))
