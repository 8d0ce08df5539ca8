"""What agents and citizens can do with a ticket, on the fake."""

from __future__ import annotations

import pytest
from chassis.paging import Wish
from hotline.domain import errors
from hotline.domain.events import Answered, Bounced, TransferOffered, TransferTaken
from hotline.domain.model import State, Viewer
from hotline.usecases.answer_ticket import answer_ticket
from hotline.usecases.bounce_ticket import bounce_ticket
from hotline.usecases.get_ticket import get_ticket
from hotline.usecases.hear_of_ticket import keep_answer, note_refusal, note_taken, take_back
from hotline.usecases.list_tickets import list_tickets
from hotline.usecases.open_ticket import open_ticket
from hotline.usecases.take_ticket import take_ticket
from hotline.usecases.transfer_ticket import opener_known_here, transfer_ticket

from ..factories import AGENT, CITIZEN, GUSU, HUANGPU, NOW, SHANGCHENG, identifier, ticket
from ..fakes import FakeWork


@pytest.fixture
def gusu() -> FakeWork:
    return FakeWork(GUSU)


@pytest.fixture
def huangpu() -> FakeWork:
    return FakeWork(HUANGPU)


def opened(work, opener=CITIZEN, n=1, **changes):
    words = {"subject_line": "社保卡", "body": "在哪里补办？", "case_number": ""} | changes
    return open_ticket(work, opener, **words, now=NOW, identifier=identifier(n))


def transferred(gusu, to=HUANGPU, reason="属于黄浦", opener_subject="pairwise-1"):
    """A ticket opened in Gusu and offered to Huangpu."""
    number = opened(gusu).number
    transfer_ticket(gusu, number, to=to, reason=reason, opener_subject=opener_subject, now=NOW)
    return number


def taken(gusu, huangpu):
    """A ticket of Gusu that Huangpu holds, and both know it."""
    number = transferred(gusu)
    take_ticket(huangpu, gusu.sent[-1][1], giver=GUSU, now=NOW, identifier=identifier(7))
    note_taken(gusu, huangpu.sent[-1][1], sender=HUANGPU, now=NOW)
    return number


def refuses(kind: type[errors.HotlineError], code: str, group: str):
    assert (kind.code, kind.kind) == (code, group)
    return pytest.raises(kind)


def test_a_ticket_gets_a_number_that_says_where_and_when_it_was_opened(gusu) -> None:
    one, two = opened(gusu, n=1), opened(gusu, n=2)
    assert one.number == "T320508-20261123-10000000"
    assert one.number != two.number
    assert (one.state, one.holder, one.turn, one.opener_subject) == (State.OPEN, GUSU, 1, CITIZEN.subject)
    assert [event.ticket.number for event in gusu.recorded] == [one.number, two.number]


def test_an_agent_opens_a_ticket_for_a_caller_nobody_knows(gusu) -> None:
    assert opened(gusu, AGENT).opener_subject == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject_line", " "),
        ("subject_line", "长" * 201),
        ("body", ""),
        ("body", "x" * 10_001),
        ("body", "a\x00b"),
        ("case_number", "has space"),
        ("case_number", "x" * 65),
    ],
)
def test_a_ticket_that_breaks_a_rule_is_not_opened(gusu, field, value) -> None:
    with refuses(errors.InvalidTicket, "hotline.invalid_ticket", "invalid") as refused:
        opened(gusu, **{field: value})
    assert refused.value.details == {"field": field}
    assert gusu.tickets.kept == {}


def test_a_citizen_sees_own_tickets_only_and_an_agent_all(gusu) -> None:
    mine, other = opened(gusu, n=1), opened(gusu, Viewer("citizen-2", False), n=2)
    opened(gusu, AGENT, n=3)
    assert get_ticket(gusu, mine.number, CITIZEN) == mine
    assert get_ticket(gusu, other.number, AGENT) == other
    for number in (other.number, "nothing"):
        with refuses(errors.TicketNotFound, "hotline.ticket_not_found", "not_found"):
            get_ticket(gusu, number, CITIZEN)
    assert [each.number for each in list_tickets(gusu, CITIZEN, Wish(9)).rows] == [mine.number]
    assert len(list_tickets(gusu, AGENT, Wish(9)).rows) == 3


@pytest.mark.parametrize("claimed", ["citizen-1", f"{HUANGPU}:someone", f"{SHANGCHENG}:someone"])
def test_a_district_that_hands_a_ticket_over_names_its_own_people_whatever_it_writes(gusu, huangpu, claimed) -> None:
    """A peer that lies gives a ticket to nobody of ours and to nobody of a third district."""
    number = transferred(gusu, opener_subject=claimed)
    take_ticket(huangpu, gusu.sent[0][1], giver=GUSU, now=NOW, identifier=identifier(7))
    with pytest.raises(errors.TicketNotFound):
        get_ticket(huangpu, number, Viewer(claimed, False))
    assert get_ticket(huangpu, number, Viewer(f"{GUSU}:{claimed}", False)).number == number


def test_a_person_without_a_subject_sees_no_tickets_of_unknown_callers(gusu) -> None:
    number = opened(gusu, AGENT).number
    with pytest.raises(errors.TicketNotFound):
        get_ticket(gusu, number, Viewer("", False))


def test_from_the_offer_on_the_giver_may_not_act(gusu) -> None:
    number = transferred(gusu)
    for act in (
        lambda: answer_ticket(gusu, number, answer="x", now=NOW),
        lambda: transfer_ticket(gusu, number, to=SHANGCHENG, reason="x", opener_subject="", now=NOW),
        lambda: bounce_ticket(gusu, number, reason="x", now=NOW),
    ):
        with refuses(errors.HandingOver, "hotline.handing_over", "conflict") as refused:
            act()
        assert refused.value.details == {"offered_to": HUANGPU}
    assert len(gusu.sent) == 1
    assert get_ticket(gusu, number, AGENT).holder == ""


def test_the_taker_is_responsible_from_its_commit_and_the_number_is_the_same(gusu, huangpu) -> None:
    number = transferred(gusu)
    (target, offer) = gusu.sent[0]
    assert (target, offer.turn, offer.reason, offer.opener_subject) == (HUANGPU, 2, "属于黄浦", "pairwise-1")
    take_ticket(huangpu, offer, giver=GUSU, now=NOW, identifier=identifier(7))
    there = get_ticket(huangpu, number, AGENT)
    assert (there.state, there.holder, there.turn, there.came_from) == (State.OPEN, HUANGPU, 2, GUSU)
    assert there.opener_subject == f"{GUSU}:pairwise-1"
    assert [(entry.district, entry.event) for entry in there.timeline] == [
        (GUSU, "opened"),
        (GUSU, "transfer_offered"),
        (HUANGPU, "transfer_taken"),
    ]
    assert huangpu.sent == [(GUSU, TransferTaken(number, 2))]
    note_taken(gusu, TransferTaken(number, 2), sender=HUANGPU, now=NOW)
    with refuses(errors.HeldElsewhere, "hotline.held_elsewhere", "conflict") as refused:
        answer_ticket(gusu, number, answer="x", now=NOW)
    assert refused.value.details == {"holder": HUANGPU}


def test_the_answer_comes_back_with_who_gave_it(gusu, huangpu) -> None:
    number = taken(gusu, huangpu)
    answer_ticket(huangpu, number, answer="  在区社保中心。 ", now=NOW)
    (target, message) = huangpu.sent[-1]
    assert (target, message) == (GUSU, Answered(number, 2, "在区社保中心。", HUANGPU, NOW))
    keep_answer(gusu, message, sender=HUANGPU)
    done = get_ticket(gusu, number, CITIZEN)
    assert (done.state, done.answer, done.answered_by, done.answered_at) == (
        State.ANSWERED,
        "在区社保中心。",
        HUANGPU,
        NOW,
    )
    assert gusu.recorded[-1].ticket.timeline[-1].event == "answered"
    for work in (gusu, huangpu):
        with refuses(errors.AlreadyAnswered, "hotline.already_answered", "conflict"):
            answer_ticket(work, number, answer="again", now=NOW)


def test_an_answer_passes_back_along_the_whole_way(gusu, huangpu) -> None:
    shangcheng = FakeWork(SHANGCHENG)
    number = taken(gusu, huangpu)
    transfer_ticket(huangpu, number, to=SHANGCHENG, reason="属于上城", opener_subject="", now=NOW)
    take_ticket(shangcheng, huangpu.sent[-1][1], giver=HUANGPU, now=NOW, identifier=identifier(8))
    note_taken(huangpu, shangcheng.sent[-1][1], sender=SHANGCHENG, now=NOW)
    answer_ticket(shangcheng, number, answer="可以网办", now=NOW)
    keep_answer(huangpu, shangcheng.sent[-1][1], sender=SHANGCHENG)
    assert huangpu.sent[-1][0] == GUSU
    keep_answer(gusu, huangpu.sent[-1][1], sender=HUANGPU)
    home = get_ticket(gusu, number, CITIZEN)
    assert (home.answer, home.answered_by) == ("可以网办", SHANGCHENG)


def test_not_ours_goes_back_with_the_reason_and_the_giver_is_responsible_again(gusu, huangpu) -> None:
    number = taken(gusu, huangpu)
    bounce_ticket(huangpu, number, reason="属于姑苏", now=NOW)
    assert huangpu.sent[-1] == (GUSU, Bounced(number, 3, "属于姑苏", NOW))
    with pytest.raises(errors.HeldElsewhere):
        answer_ticket(huangpu, number, answer="x", now=NOW)
    take_back(gusu, huangpu.sent[-1][1], sender=HUANGPU)
    back = get_ticket(gusu, number, AGENT)
    assert (back.state, back.holder, back.turn) == (State.OPEN, GUSU, 3)
    assert (back.timeline[-1].event, back.timeline[-1].note) == ("bounced", "属于姑苏")
    transfer_ticket(gusu, number, to=HUANGPU, reason="还是黄浦", opener_subject="", now=NOW)
    take_ticket(huangpu, gusu.sent[-1][1], giver=GUSU, now=NOW, identifier=identifier(9))
    assert get_ticket(huangpu, number, AGENT).turn == 4


def test_where_a_ticket_was_opened_there_is_nobody_to_give_it_back_to(gusu) -> None:
    number = opened(gusu).number
    with refuses(errors.NowhereToReturn, "hotline.nowhere_to_return", "conflict"):
        bounce_ticket(gusu, number, reason="x", now=NOW)


@pytest.mark.parametrize(
    ("to", "kind", "code", "group"),
    [
        (GUSU, errors.SameDistrict, "hotline.same_district", "invalid"),
        ("huangpu", errors.InvalidTicket, "hotline.invalid_ticket", "invalid"),
        ("", errors.InvalidTicket, "hotline.invalid_ticket", "invalid"),
    ],
)
def test_a_ticket_goes_to_another_district_by_its_code(gusu, to, kind, code, group) -> None:
    number = opened(gusu).number
    with refuses(kind, code, group):
        transfer_ticket(gusu, number, to=to, reason="x", opener_subject="", now=NOW)


def test_a_ticket_goes_back_to_the_giver_with_a_bounce_not_a_transfer(gusu, huangpu) -> None:
    number = taken(gusu, huangpu)
    with refuses(errors.BounceInstead, "hotline.bounce_instead", "conflict"):
        transfer_ticket(huangpu, number, to=GUSU, reason="x", opener_subject="", now=NOW)


@pytest.mark.parametrize("reason", ["", " ", "x" * 1001])
def test_a_hand_over_and_a_bounce_have_a_reason(gusu, huangpu, reason) -> None:
    with pytest.raises(errors.InvalidTicket):
        transfer_ticket(gusu, opened(gusu, n=5).number, to=HUANGPU, reason=reason, opener_subject="", now=NOW)
    number = taken(gusu, huangpu)
    with pytest.raises(errors.InvalidTicket):
        bounce_ticket(huangpu, number, reason=reason, now=NOW)


def test_a_refused_hand_over_leaves_the_ticket_with_the_giver_on_the_worklist(gusu) -> None:
    number = transferred(gusu)
    note_refusal(gusu, number, message_id="320508/1", peer=HUANGPU, code="courier.not_agreed", now=NOW)
    back = get_ticket(gusu, number, AGENT)
    assert (back.state, back.holder, back.turn, back.attention) == (State.OPEN, GUSU, 1, "310101: courier.not_agreed")
    answer_ticket(gusu, number, answer="我们来办", now=NOW)
    assert get_ticket(gusu, number, AGENT).attention == ""


def test_a_late_refusal_of_an_earlier_hand_over_does_not_undo_a_later_one(gusu) -> None:
    number = transferred(gusu)
    note_refusal(gusu, number, message_id="320508/1", peer=HUANGPU, code="c", now=NOW)
    transfer_ticket(gusu, number, to=HUANGPU, reason="again", opener_subject="", now=NOW)
    note_refusal(gusu, number, message_id="320508/1", peer=HUANGPU, code="c", now=NOW)
    assert get_ticket(gusu, number, AGENT).state is State.TRANSFERRING


def test_a_refused_bounce_leaves_the_ticket_with_the_taker(gusu, huangpu) -> None:
    number = taken(gusu, huangpu)
    bounce_ticket(huangpu, number, reason="x", now=NOW)
    note_refusal(huangpu, number, message_id="310101/2", peer=GUSU, code="c", now=NOW)
    answer_ticket(huangpu, number, answer="then here", now=NOW)
    keep_answer(gusu, huangpu.sent[-1][1], sender=HUANGPU)
    assert get_ticket(gusu, number, AGENT).state is State.ANSWERED


def test_a_refused_answer_puts_the_ticket_on_the_worklist_and_leaves_it_answered(gusu, huangpu) -> None:
    number = taken(gusu, huangpu)
    answer_ticket(huangpu, number, answer="x", now=NOW)
    note_refusal(huangpu, number, message_id="310101/2", peer=GUSU, code="courier.body_unreadable", now=NOW)
    assert get_ticket(huangpu, number, AGENT).state is State.ANSWERED
    assert [each.number for each in list_tickets(huangpu, AGENT, Wish(9)).rows] == [number]


def test_a_word_from_a_district_that_does_not_hold_the_ticket_changes_nothing(gusu, huangpu) -> None:
    number = taken(gusu, huangpu)
    before = get_ticket(gusu, number, AGENT)
    keep_answer(gusu, Answered(number, 2, "forged", SHANGCHENG, NOW), sender=SHANGCHENG)
    take_back(gusu, Bounced(number, 3, "forged", NOW), sender=SHANGCHENG)
    note_taken(gusu, TransferTaken(number, 3), sender=SHANGCHENG, now=NOW)
    assert get_ticket(gusu, number, AGENT) == before


def test_a_word_about_a_ticket_that_is_not_in_the_book_is_refused(gusu) -> None:
    for hear in (
        lambda: note_taken(gusu, TransferTaken("x", 2), sender=HUANGPU, now=NOW),
        lambda: keep_answer(gusu, Answered("x", 2, "a", HUANGPU, NOW), sender=HUANGPU),
        lambda: take_back(gusu, Bounced("x", 3, "a", NOW), sender=HUANGPU),
        lambda: note_refusal(gusu, "x", message_id="1", peer=HUANGPU, code="c", now=NOW),
        lambda: answer_ticket(gusu, "x", answer="a", now=NOW),
    ):
        with pytest.raises(errors.TicketNotFound):
            hear()


@pytest.mark.parametrize(
    ("changes", "turn", "field"),
    [
        ({"number": "T310101-20261123-00000001"}, 2, "number"),
        ({"number": "anything"}, 2, "number"),
        ({"body": ""}, 2, "body"),
        ({}, 1, "turn"),
        ({}, 2**62, "turn"),
    ],
)
def test_an_offered_ticket_that_breaks_a_rule_is_not_taken(huangpu, changes, turn, field) -> None:
    with pytest.raises(errors.InvalidTicket) as refused:
        take_ticket(
            huangpu, TransferOffered(ticket(**changes), turn, "r", ""), giver=GUSU, now=NOW, identifier=identifier(1)
        )
    assert refused.value.details == {"field": field}
    assert huangpu.tickets.kept == {}


def test_only_the_district_where_it_was_opened_knows_the_opener(gusu, huangpu) -> None:
    number = taken(gusu, huangpu)
    assert opener_known_here(gusu, number) == CITIZEN.subject
    assert opener_known_here(huangpu, number) == ""
    assert opener_known_here(gusu, "nothing") == ""
