"""What the service does, on the fakes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from case_routing.domain.errors import (
    BadKiosk,
    ItemNotOffered,
    MaterialNotHere,
    MaterialNotOpen,
    NotYours,
    OutsideMandate,
    UnknownCase,
    UnknownItem,
    VersionConflict,
)
from case_routing.domain.events import Arrived, Declined, Offered
from case_routing.domain.model import Acting, Handler, Mode, Reader, State
from case_routing.usecases.accept_case import accept_case
from case_routing.usecases.acting import Command
from case_routing.usecases.get_case import get_case
from case_routing.usecases.get_material import get_material
from case_routing.usecases.grant_case import grant_case
from case_routing.usecases.list_my_cases import list_my_cases
from case_routing.usecases.list_worklist import list_worklist
from case_routing.usecases.prepare_application import Office, Submission, prepare_application
from case_routing.usecases.read_letter import read_letter
from case_routing.usecases.reading import reader_for
from case_routing.usecases.receive_case import receive_case
from case_routing.usecases.submit_case import submit_case
from case_routing.usecases.take_back_refused import Refusal, take_back_refused
from case_routing.usecases.withdraw_case import withdraw_case
from chassis.paging import Wish

from ..factories import HANDLING, INTAKE, a_firm, a_guide, a_number, an_applicant, an_application, an_upload, at
from ..fakes import FakeCatalogue, FakeNumbers, FakePeople, FakeWork


@pytest.fixture
def work() -> FakeWork:
    return FakeWork.of(INTAKE)


@pytest.fixture
def office() -> Office:
    guides = {
        "there": a_guide(HANDLING),
        "here": a_guide(INTAKE),
        "nowhere": a_guide(""),
    }
    return Office(INTAKE, FakeCatalogue(guides), FakePeople(an_applicant()), FakeNumbers())


def a_submission(item: str = "there", **changes) -> Submission:
    return Submission(**{"item_code": item, "uploads": [an_upload()], "person": Acting("person-1", INTAKE)} | changes)


def test_an_application_asks_who_the_person_is_to_the_district_that_decides(office):
    application = prepare_application(a_submission("there"), office, at().now)
    assert office.people.asked == [("person-1", HANDLING)]
    assert application.applicant.peer_subject == "pairwise-person-1"
    assert application.number.startswith(f"{INTAKE}-20261123-")


def test_an_item_decided_here_needs_no_pairwise_subject(office):
    assert prepare_application(a_submission("here"), office, at().now).applicant.peer_subject == ""


def test_a_firm_applies_through_the_person_who_acts_for_it(office):
    wish = a_submission("there", person=Acting("person-1", INTAKE, "firm-1"))
    who = prepare_application(wish, office, at().now).applicant
    assert (who.kind, who.subject, who.peer_subject, who.to_tell) == ("firm", "firm-1", "pairwise-firm-1", "person-1")
    assert who.handler == Handler("经办人", "person-1", "pairwise-person-1")


def test_a_mandate_for_other_items_opens_no_case_and_shows_none(office, work):
    office.people.item_codes = frozenset({"another"})
    handler = Acting("person-1", INTAKE, "firm-1")
    with pytest.raises(OutsideMandate) as refused:
        prepare_application(a_submission("there", person=handler), office, at().now)
    assert refused.value.code == "case_routing.outside_mandate"
    case = submit_case(work, replace(an_application(), applicant=a_firm()), INTAKE, at())
    with pytest.raises(NotYours):
        get_case(work, case.number, reader_for(office.people, handler))
    office.people.item_codes = frozenset()
    assert get_case(work, case.number, reader_for(office.people, handler)).number == case.number


def test_who_acts_for_themself_sees_no_case_of_the_firm_and_identity_is_not_asked(office, work):
    case = submit_case(work, replace(an_application(), applicant=a_firm()), INTAKE, at())
    with pytest.raises(NotYours):
        get_case(work, case.number, reader_for(office.people, Acting("handler-1", INTAKE)))
    assert office.people.asked == []


@pytest.mark.parametrize(
    ("submission", "refusal"),
    [
        (a_submission("nothing"), UnknownItem),
        (a_submission("nowhere"), ItemNotOffered),
        (a_submission(kiosk_id="a b"), BadKiosk),
    ],
)
def test_what_cannot_become_a_case_is_refused_before_anybody_is_asked_who_they_are(office, submission, refusal):
    with pytest.raises(refusal):
        prepare_application(submission, office, at().now)
    assert office.people.asked == []


def test_a_submitted_case_is_kept_and_told_with_its_offer(work):
    case = submit_case(work, an_application(), INTAKE, at())
    assert get_case(work, case.number).state is State.RECEIVED
    assert [fact.entry.act for fact in work.facts] == ["submitted", "received", "hand_over_offered"]
    (send,) = work.letters
    assert isinstance(send.letter, Offered)
    assert get_case(work, case.number).offer_id


def test_a_citizen_gets_own_cases_only(work):
    case = submit_case(work, an_application(), INTAKE, at())
    assert get_case(work, case.number, Reader("person-1")).number == case.number
    with pytest.raises(NotYours):
        get_case(work, case.number, Reader("person-2"))
    with pytest.raises(NotYours):
        withdraw_case(work, Command(case.number, at(1), citizen=Reader("person-2")))


def test_a_citizen_opens_the_materials_of_own_cases_only(work):
    case = submit_case(work, an_application(), INTAKE, at())
    opened = get_material(work, case.number, "identity_card", Reader("person-1"))
    assert (opened.content, opened.intact) == (b"scan of a card", True)
    with pytest.raises(NotYours):
        get_material(work, case.number, "identity_card", Reader("person-2"))


@pytest.mark.parametrize("key", ["", "photo", "identity_card\x00"])
def test_a_material_that_the_case_does_not_have_is_told_as_such(work, key):
    case = submit_case(work, an_application(), INTAKE, at())
    with pytest.raises(MaterialNotHere) as refused:
        get_material(work, case.number, key, Reader("person-1"))
    assert (refused.value.code, refused.value.kind) == ("case_routing.material_not_here", "not_found")


def test_a_material_of_which_only_the_digest_is_here_is_told_as_such(work):
    case = submit_case(work, an_application(), INTAKE, at())
    dossier = work.cases.kept[case.number]
    bare = replace(dossier.case, materials=tuple(replace(m, content=None) for m in dossier.case.materials))
    work.cases.kept[case.number] = dossier.with_case(bare)
    with pytest.raises(MaterialNotHere):
        get_material(work, case.number, "identity_card", Reader("person-1"))


def test_clerks_of_the_intake_district_open_materials_until_the_case_has_left_them(work):
    case = submit_case(work, an_application(Mode.PROXY_COLLECTION), INTAKE, at())
    assert get_material(work, case.number, "identity_card").content == b"scan of a card"
    receive_case(work, Command(case.number, at(1)))
    with pytest.raises(MaterialNotOpen) as refused:
        get_material(work, case.number, "identity_card")
    assert (refused.value.code, refused.value.kind) == ("case_routing.material_not_open", "forbidden")


def test_a_clerk_of_an_unknown_case_learns_nothing_else(work):
    with pytest.raises(UnknownCase):
        get_material(work, a_number(), "identity_card")


@pytest.mark.parametrize("number", ["", "nonsense", "\x00", "320508-20261123-ABCDEFGH"])
def test_a_number_that_is_not_known_is_told_as_such(work, number):
    with pytest.raises(UnknownCase):
        get_case(work, number)
    with pytest.raises(UnknownCase):
        accept_case(work, Command(number, at()))


def test_an_act_on_an_outdated_version_changes_and_tells_nothing(work):
    case = submit_case(work, an_application(Mode.PROXY_COLLECTION), INTAKE, at())
    told = len(work.events)
    with pytest.raises(VersionConflict):
        receive_case(work, Command(case.number, at(1), expected_version=case.version + 1))
    assert len(work.events) == told
    assert get_case(work, case.number) == replace(case, materials=get_case(work, case.number).materials)


def test_a_decision_gets_its_document_number(work):
    case = submit_case(work, an_application(Mode.PROXY_COLLECTION, handling=INTAKE), INTAKE, at())
    receive_case(work, Command(case.number, at(1)))
    accept_case(work, Command(case.number, at(2)))
    granted = grant_case(work, Command(case.number, at(3)), "", FakeNumbers())
    assert granted.decision.document_no == f"{INTAKE}-20261123-D00000001"


def test_a_letter_is_read_kept_and_answered():
    giver, taker = FakeWork.of(INTAKE), FakeWork.of(HANDLING)
    case = submit_case(giver, an_application(), INTAKE, at())
    read_letter(taker, Arrived(giver.letters[0].letter, INTAKE, "id-1"), at(1))
    assert get_case(taker, case.number).state is State.FORWARDED
    read_letter(giver, Arrived(taker.letters[0].letter, HANDLING, "id-2"), at(2))
    assert get_case(giver, case.number).responsibility.holder == HANDLING


def test_a_refused_offer_is_back_on_the_worklist(work):
    case = submit_case(work, an_application(), INTAKE, at())
    assert list_worklist(work, Wish(10)).rows == ()
    offer_id = get_case(work, case.number).offer_id
    take_back_refused(work, Refusal(case.number, offer_id, True, "courier.not_agreed"), at(1))
    (waiting,) = list_worklist(work, Wish(10)).rows
    assert waiting.attention == "courier.not_agreed"


def test_a_declined_offer_is_back_on_the_worklist(work):
    case = submit_case(work, an_application(), INTAKE, at())
    read_letter(work, Arrived(Declined(case.number, 2, "code", "why"), HANDLING), at(1))
    assert [each.number for each in list_worklist(work, Wish(10)).rows] == [case.number]


def test_a_refusal_of_a_message_of_an_unknown_case_changes_nothing(work):
    take_back_refused(work, Refusal(a_number(), "message-1", True, "x"), at())
    assert work.events == []


def test_pages_follow_each_other_by_cursor(work):
    numbers = [submit_case(work, an_application(), INTAKE, at(minute)).number for minute in range(3)]
    first = list_my_cases(work, Reader("person-1"), Wish(2))
    assert [case.number for case in first.rows] == numbers[:0:-1]
    assert first.next
    last = list_my_cases(work, Reader("person-1"), Wish(2, (first.rows[-1].submitted_at, first.rows[-1].number)))
    assert [case.number for case in last.rows] == numbers[:1]
    assert last.next == ""
