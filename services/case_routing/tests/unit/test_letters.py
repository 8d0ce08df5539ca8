"""What a district does with letters that are wrong, late, early or repeated."""

from __future__ import annotations

from dataclasses import replace

import pytest
from case_routing.domain.errors import NotAParty
from case_routing.domain.events import Acted, Arrived, Declined, Offered, RecallAnswered, RecallAsked, Send, Taken
from case_routing.domain.letters import Dossier, read, returned
from case_routing.domain.model import Act, Answer, Entry, Mode, Purpose, State
from case_routing.domain.policies import accept, due_act, receive

from ..factories import HANDLING, INTAKE, a_number, at, forwarded, submitted


def offered(mode: Mode = Mode.FULLY_ONLINE) -> Offered:
    return next(e.letter for e in submitted(mode).events if isinstance(e, Send))


def letters(events) -> list:
    return [event.letter for event in events if isinstance(event, Send)]


def test_an_offer_is_taken_with_the_whole_case_and_custody_is_logged():
    offer = offered()
    dossier, events = read(Dossier(HANDLING, offer.number), Arrived(offer, INTAKE, "id-1"), at(1))
    assert dossier.case.may_act
    assert due_act(dossier.case) == "accept"
    assert dossier.answer_to(2) is Answer.TAKEN
    assert [(c.from_district, c.to_district) for c in dossier.case.custody] == [("", INTAKE), (INTAKE, HANDLING)]
    (send,) = [event for event in events if isinstance(event, Send)]
    assert isinstance(send.letter, Taken)
    assert (send.to, send.answers_to) == (INTAKE, "id-1")


@pytest.mark.parametrize("claimed", ["person-of-ours", f"{HANDLING}:person", "330102:person"])
@pytest.mark.parametrize("home", [INTAKE, HANDLING, "330102"])
def test_an_offer_gives_the_case_to_a_person_of_the_givers_whatever_it_says(claimed, home):
    """A peer that lies names nobody of ours and nobody of a third district."""
    offer = offered()
    told = replace(offer.file.applicant, subject=claimed, home=home)
    offer = replace(offer, file=replace(offer.file, applicant=told))
    dossier, _ = read(Dossier(HANDLING, offer.number), Arrived(offer, INTAKE), at(1))
    assert not dossier.case.belongs_to(claimed)
    assert dossier.case.belongs_to(f"{INTAKE}:{claimed}")
    assert dossier.case.applicant.home != HANDLING


def test_a_case_without_a_subject_here_belongs_to_nobody():
    offer = offered()
    offer = replace(offer, file=replace(offer.file, applicant=replace(offer.file.applicant, subject="")))
    dossier, _ = read(Dossier(HANDLING, offer.number), Arrived(offer, INTAKE), at(1))
    assert dossier.case.applicant.subject == ""
    assert not dossier.case.belongs_to("")
    assert not dossier.case.belongs_to(f"{INTAKE}:")


def test_an_offer_that_comes_again_is_not_taken_again():
    offer = offered()
    dossier, _ = read(Dossier(HANDLING, offer.number), Arrived(offer, INTAKE), at(1))
    assert read(dossier, Arrived(offer, INTAKE), at(2)) == (dossier, ())


def test_a_damaged_material_is_declined_by_its_digest():
    offer = offered()
    damaged = replace(offer.file.materials[0], content=b"not what was handed in")
    offer = replace(offer, file=replace(offer.file, materials=(damaged,)))
    dossier, events = read(Dossier(HANDLING, offer.number), Arrived(offer, INTAKE), at(1))
    (declined,) = letters(events)
    assert isinstance(declined, Declined)
    assert declined.code == "case_routing.digest_mismatch"
    assert (dossier.case, dossier.answer_to(2)) == (None, Answer.DECLINED)


def test_a_declined_case_is_the_givers_again_with_the_reason_on_its_worklist():
    case = submitted(Mode.FULLY_ONLINE).case
    declined = Declined(case.number, 2, "case_routing.digest_mismatch", "…")
    dossier, _ = read(Dossier(INTAKE, case.number, case), Arrived(declined, HANDLING), at(1))
    assert dossier.case.may_act
    assert (dossier.case.attention, due_act(dossier.case)) == ("case_routing.digest_mismatch", "hand_over")
    assert dossier.case.history[-1].act is Act.HAND_OVER_DECLINED


@pytest.mark.parametrize("turn", [1, 3])
def test_an_answer_to_another_turn_changes_nothing(turn):
    case = submitted(Mode.FULLY_ONLINE).case
    dossier = Dossier(INTAKE, case.number, case)
    for letter in (Declined(case.number, turn, "x", "x"), RecallAnswered(case.number, turn, given_back=True)):
        assert read(dossier, Arrived(letter, HANDLING), at(1)) == (dossier, ())


def test_an_offer_of_a_case_that_is_handled_elsewhere_is_declined():
    offer = offered()
    offer = replace(offer, file=replace(offer.file, handling="330102"))
    _, events = read(Dossier(HANDLING, offer.number), Arrived(offer, INTAKE), at(1))
    assert letters(events)[0].code == "case_routing.not_a_party"


def test_an_offer_under_a_number_of_another_districts_is_not_read():
    number = a_number("330102")
    offer = replace(offered(), number=number)
    with pytest.raises(NotAParty):
        read(Dossier(HANDLING, number), Arrived(offer, INTAKE), at(1))


def test_a_district_that_may_act_takes_no_offer_of_its_own_case():
    case = submitted(Mode.PROXY_COLLECTION).case
    offer = Offered(case.number, 5, Purpose.DELIVER, case)
    _, events = read(Dossier(INTAKE, case.number, case), Arrived(offer, HANDLING), at(1))
    assert letters(events)[0].code == "case_routing.not_a_party"


def test_an_act_by_the_other_district_while_this_one_is_responsible_is_not_copied():
    _, case = forwarded()
    entry = Entry(INTAKE, 50, 3, Act.WITHDRAWN, at(5).now, state=State.WITHDRAWN)
    with pytest.raises(NotAParty):
        read(Dossier(HANDLING, case.number, case), Arrived(Acted(case.number, entry), INTAKE), at(6))


def test_a_recall_before_the_offer_gives_the_turn_back_for_ever():
    offer = offered()
    recall = RecallAsked(offer.number, 2, Entry(INTAKE, 4, 2, Act.RECALL_ASKED, at().now))
    dossier, events = read(Dossier(HANDLING, offer.number), Arrived(recall, INTAKE), at(1))
    assert letters(events) == [RecallAnswered(offer.number, 2, given_back=True)]
    again, events = read(dossier, Arrived(offer, INTAKE), at(2))
    assert (again, events) == (dossier, ())


def test_a_refusal_of_an_earlier_offer_does_not_touch_the_open_one():
    case = replace(submitted(Mode.FULLY_ONLINE).case, offer_id="message-2")
    dossier = Dossier(INTAKE, case.number, case)
    assert returned(dossier, "message-1", True, "courier.not_agreed", at(1)) == (dossier, ())
    back, _ = returned(dossier, "message-2", True, "courier.not_agreed", at(1))
    assert back.case.may_act


def test_any_other_refused_letter_wants_a_persons_eye_until_somebody_acts():
    giver, case = forwarded()
    dossier, _ = returned(Dossier(HANDLING, case.number, case), "message-9", False, "courier.suspended", at(3))
    assert dossier.case.attention == "courier.suspended"
    assert accept(dossier.case, at(4)).case.attention == ""
    waiting, _ = returned(Dossier(INTAKE, giver.number, giver), "message-9", False, "courier.suspended", at(3))
    assert due_act(waiting.case) == "look"


def test_traces_of_both_districts_are_kept_once_each():
    step = submitted(Mode.PROXY_COLLECTION)
    step = receive(step.case, at(1, trace=7))
    offer = next(e.letter for e in step.events if isinstance(e, Send))
    dossier, _ = read(Dossier(HANDLING, offer.number), Arrived(offer, INTAKE), at(2, trace=8))
    found = [(trace.trace.split("-")[1][-1], trace.district) for trace in dossier.case.traces]
    assert found == [("8", HANDLING), ("7", INTAKE)]
