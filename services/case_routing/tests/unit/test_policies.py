"""What a district may do to a case by itself, and what each refusal tells."""

from __future__ import annotations

from dataclasses import replace
from inspect import getmembers, isclass

import pytest
from case_routing.domain import errors
from case_routing.domain.errors import (
    AlreadyClosed,
    AlreadyDecided,
    CaseError,
    HandingOver,
    NotHandingOver,
    NotResponsible,
    OutOfOrder,
    ReasonsRequired,
    ReasonsTooLong,
    VersionConflict,
)
from case_routing.domain.events import Acted, Offered, Progressed, RecallAsked, Send, WithdrawalAsked
from case_routing.domain.model import Act, Mode, Purpose, State
from case_routing.domain.policies import (
    REASONS_LIMIT,
    accept,
    check_version,
    deliver,
    due_act,
    grant,
    hand_over,
    recall,
    receive,
    refuse,
    withdraw,
)
from case_routing.domain.policies import (
    may_open_materials as may_open,
)
from chassis.errors import Kind, fault_of

from ..factories import HANDLING, INTAKE, at, forwarded, submitted, under_review


def acts(step) -> list[Act]:
    return [event.entry.act for event in step.events if isinstance(event, Progressed)]


def test_a_case_at_the_window_waits_for_the_clerk_who_receives_it():
    case = submitted(Mode.PROXY_COLLECTION).case
    assert (case.state, due_act(case)) == (State.SUBMITTED, "receive")


def test_materials_open_to_the_district_that_decides_and_to_the_intake_district_until_it_hands_over():
    waiting = submitted(Mode.PROXY_COLLECTION).case
    assert may_open(waiting)
    ours, theirs = forwarded(Mode.PROXY_COLLECTION)
    assert (may_open(ours), may_open(theirs)) == (False, True)
    ours, theirs = forwarded(Mode.FULLY_ONLINE)
    assert (may_open(ours), may_open(theirs)) == (False, True)
    decided = grant(accept(theirs, at(3)).case, "", "document-1", at(4)).case
    assert may_open(decided), "also afterwards, when somebody asks why"


def test_materials_do_not_open_again_to_the_intake_district_for_delivery_nor_to_anybody_after_a_withdrawal():
    ours, theirs = forwarded(Mode.PROXY_COLLECTION)
    decision = refuse(accept(theirs, at(3)).case, "does not qualify", "document-1", at(4)).case.decision
    back = replace(ours, decision=decision, responsibility=ours.responsibility.held_by(INTAKE, 3), state=State.REFUSED)
    assert back.may_act
    assert not may_open(back)
    assert not may_open(withdraw(theirs, at(3)).case)
    assert not may_open(withdraw(submitted(Mode.PROXY_COLLECTION).case, at(3)).case)


def test_an_online_case_is_received_and_offered_in_the_act_that_submits_it():
    step = submitted(Mode.FULLY_ONLINE)
    assert acts(step) == [Act.SUBMITTED, Act.RECEIVED, Act.HAND_OVER_OFFERED]
    (letter,) = [event for event in step.events if isinstance(event, Send)]
    assert (letter.to, letter.letter.turn, letter.letter.purpose) == (HANDLING, 2, Purpose.HANDLE)
    assert step.case.responsibility.handing_over


def test_the_offer_gives_the_taker_its_own_subject_of_the_person_and_nothing_that_is_only_ours():
    file = next(e.letter for e in submitted().events if isinstance(e, Send)).file
    assert (file.here, file.applicant.subject, file.traces, file.attention) == (HANDLING, "pairwise-1", (), "")


def test_versions_count_the_entries_and_every_fact_carries_its_own():
    step = submitted(Mode.FULLY_ONLINE)
    assert [event.case.version for event in step.events if isinstance(event, Progressed)] == [1, 2, 3]
    assert [entry.version for entry in step.case.history] == [1, 2, 3]


def test_acceptance_starts_the_review_and_the_decision_clock():
    case = under_review()
    assert (case.state, case.accepted_at, due_act(case)) == (State.UNDER_REVIEW, at(2).now, "decide")


@pytest.mark.parametrize(("mode", "end"), [(Mode.FULLY_ONLINE, State.CLOSED), (Mode.PROXY_COLLECTION, State.PRODUCED)])
def test_a_grant_is_produced_and_delivered_at_once_only_where_all_is_online(mode, end):
    step = grant(under_review(mode), "", "document-1", at(3))
    assert step.case.state is end
    assert step.case.decision.document_no == "document-1"
    assert acts(step)[:2] == [Act.GRANTED, Act.PRODUCED]


def test_a_refusal_is_delivered_too_and_nothing_is_produced():
    step = refuse(under_review(), " not entitled ", "document-1", at(3))
    assert (step.case.decision.granted, step.case.decision.reasons) == (False, "not entitled")
    assert acts(step) == [Act.REFUSED]
    closed = deliver(step.case, at(4)).case
    assert (closed.state, closed.closed_at) == (State.CLOSED, at(4).now)


@pytest.mark.parametrize("reasons", ["", "  \n"])
def test_a_refusal_without_reasons_is_refused(reasons):
    with pytest.raises(ReasonsRequired):
        refuse(under_review(), reasons, "document-1", at(3))


@pytest.mark.parametrize("decide", [grant, refuse])
def test_reasons_have_a_limit(decide):
    decide(under_review(), "x" * REASONS_LIMIT, "document-1", at(3))
    with pytest.raises(ReasonsTooLong):
        decide(under_review(), "x" * (REASONS_LIMIT + 1), "document-1", at(3))


def test_the_deciding_district_offers_the_case_back_for_delivery():
    _, case = forwarded()
    step = grant(accept(case, at(3)).case, "", "document-1", at(4))
    letters = [event.letter for event in step.events if isinstance(event, Send)]
    assert [type(letter) for letter in letters] == [Acted, Acted, Offered]
    assert (letters[0].decision, letters[-1].purpose, letters[-1].turn) == (step.case.decision, Purpose.DELIVER, 3)
    assert not step.case.may_act


@pytest.mark.parametrize("policy", [receive, accept, deliver, hand_over])
def test_while_handing_over_the_giver_may_not_act(policy):
    case = submitted(Mode.FULLY_ONLINE).case
    with pytest.raises(HandingOver) as refused:
        policy(case, at(1))
    assert refused.value.details == {"number": case.number, "offered_to": HANDLING}


def test_the_intake_district_may_not_decide_even_while_it_is_responsible():
    """Intake separated from acceptance: it checks form and identity only."""
    case = replace(submitted(Mode.PROXY_COLLECTION).case, state=State.RECEIVED)
    assert case.may_act
    with pytest.raises(NotResponsible) as refused:
        accept(case, at(1))
    assert refused.value.details["responsible"] == HANDLING


def test_the_handling_district_may_not_deliver():
    _, case = forwarded()
    with pytest.raises(NotResponsible):
        deliver(case, at(3))


def test_a_district_that_is_not_responsible_is_told_who_is():
    _, case = forwarded()
    case = grant(accept(case, at(3)).case, "", "document-1", at(4)).case
    taken = replace(case, responsibility=case.responsibility.held_by(INTAKE, 3))
    with pytest.raises(NotResponsible) as refused:
        grant(replace(taken, decision=None), "", "document-2", at(5))
    assert refused.value.details["responsible"] == INTAKE


def test_a_second_decision_is_refused():
    case = grant(under_review(), "", "document-1", at(3)).case
    for decide in (grant, refuse):
        with pytest.raises(AlreadyDecided):
            decide(case, "on second thoughts", "document-2", at(4))


@pytest.mark.parametrize(
    ("policy", "state"), [(receive, State.UNDER_REVIEW), (accept, State.UNDER_REVIEW), (deliver, State.UNDER_REVIEW)]
)
def test_an_act_out_of_order_names_the_state(policy, state):
    with pytest.raises(OutOfOrder) as refused:
        policy(under_review(), at(3))
    assert refused.value.details["state"] == state


@pytest.mark.parametrize("policy", [receive, accept, deliver, hand_over, withdraw])
def test_a_withdrawn_case_takes_no_further_act(policy):
    case = withdraw(submitted(Mode.PROXY_COLLECTION).case, at(1)).case
    assert (case.state, case.closed_at) == (State.WITHDRAWN, at(1).now)
    with pytest.raises(AlreadyClosed):
        policy(case, at(2))


def test_after_the_decision_a_withdrawal_is_answered_already_decided():
    with pytest.raises(AlreadyDecided):
        withdraw(grant(under_review(), "", "document-1", at(3)).case, at(4))


def test_while_handing_over_a_withdrawal_is_asked_of_the_taker_once():
    step = withdraw(submitted(Mode.FULLY_ONLINE).case, at(1))
    (letter,) = [event.letter for event in step.events if isinstance(event, Send)]
    assert isinstance(letter, WithdrawalAsked)
    assert step.case.state is State.RECEIVED
    assert withdraw(step.case, at(2)).events == ()


def test_a_recall_is_asked_once_per_turn():
    step = recall(submitted(Mode.FULLY_ONLINE).case, at(1))
    (letter,) = [event.letter for event in step.events if isinstance(event, Send)]
    assert isinstance(letter, RecallAsked)
    assert letter.turn == 2
    assert not step.case.may_act, "asking is not having it back"
    assert recall(step.case, at(2)).events == ()


def test_without_an_open_hand_over_there_is_nothing_to_recall():
    with pytest.raises(NotHandingOver):
        recall(submitted(Mode.PROXY_COLLECTION).case, at(1))


def test_a_case_that_never_left_cannot_be_handed_over_by_hand():
    with pytest.raises(OutOfOrder):
        hand_over(under_review(), at(3))


def test_only_the_version_that_was_read_may_be_acted_on():
    case = under_review()
    check_version(case, 0)
    check_version(case, case.version)
    with pytest.raises(VersionConflict) as refused:
        check_version(case, case.version - 1)
    assert refused.value.details["version"] == str(case.version)


REFUSALS = [kind for _, kind in getmembers(errors, isclass) if issubclass(kind, CaseError) and kind is not CaseError]


def test_every_refusal_has_a_code_of_its_own_that_the_chassis_carries():
    codes = [kind.code for kind in REFUSALS]
    assert len(set(codes)) == len(codes)
    assert all(code.startswith("case_routing.") for code in codes)
    assert {kind.kind for kind in REFUSALS} <= set(Kind)


@pytest.mark.parametrize(
    "refusal",
    [HandingOver("n", HANDLING), VersionConflict("n", 3), ReasonsRequired(), errors.MissingMaterial(["a", "b"])],
    ids=lambda refusal: refusal.code,
)
def test_a_refusal_says_what_to_do(refusal):
    fault = fault_of(refusal)
    assert (fault.code, fault.details) == (refusal.code, refusal.details)
    assert ";" in fault.message or "." in fault.message[:-1], "what is wrong, and what to do then"
