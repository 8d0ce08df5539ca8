"""Whatever order letters arrive in, however often, and whoever acts meanwhile: one district may act, nothing is lost."""

from __future__ import annotations

import os
from functools import partial

import hypothesis.strategies as st
import pytest
from case_routing.domain.model import Act, Mode, State
from case_routing.domain.policies import accept, deliver, due_act, grant, hand_over, recall, receive, refuse, withdraw
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ..factories import HANDLING, INTAKE
from .two_districts import TwoDistricts

DISTRICTS = (INTAKE, HANDLING)
#: Interleavings tried in one run; `EXAMPLES=5000 pytest …` looks longer.
EXAMPLES = int(os.environ.get("EXAMPLES", "300"))

ACTS = {
    "receive": receive,
    "accept": accept,
    "grant": partial(lambda case, moment: grant(case, "", "document-1", moment)),
    "refuse": partial(lambda case, moment: refuse(case, "does not qualify", "document-2", moment)),
    "deliver": deliver,
    "hand_over": hand_over,
    "recall": recall,
    "withdraw": withdraw,
}


class CaseOfTwoDistricts(RuleBasedStateMachine):
    """Clerks and applicants do what the rules let them, at any time; the link delays, reorders, repeats and refuses."""

    @initialize(mode=st.sampled_from(Mode))
    def submit(self, mode: Mode) -> None:
        self.world = TwoDistricts(mode)
        self.longest = dict.fromkeys(DISTRICTS, 0)

    @precondition(lambda self: self.world.possible(ACTS))
    @rule(data=st.data())
    def act(self, data: st.DataObject) -> None:
        """Anything that some district would not refuse now."""
        district, act = data.draw(st.sampled_from(self.world.possible(ACTS)))
        self.world.act(district, ACTS[act])

    @rule()
    def nothing_happens(self) -> None:
        """A case that has ended, with nothing under way."""

    @precondition(lambda self: self.world.flying)
    @rule(data=st.data(), stays=st.booleans())
    def letter_arrives(self, data: st.DataObject, stays: bool) -> None:
        index = data.draw(st.integers(0, len(self.world.flying) - 1))
        self.world.land(index, stays=stays and len(self.world.flying) < 12)

    @precondition(lambda self: self.world.landed)
    @rule(data=st.data())
    def letter_arrives_again(self, data: st.DataObject) -> None:
        self.world.land_again(data.draw(st.integers(0, len(self.world.landed) - 1)))

    @precondition(lambda self: any(self.world.may_refuse(i) for i in range(len(self.world.flying))))
    @rule(data=st.data())
    def link_refuses_an_offer(self, data: st.DataObject) -> None:
        offers = [i for i in range(len(self.world.flying)) if self.world.may_refuse(i)]
        self.world.refuse(data.draw(st.sampled_from(offers)))

    @precondition(lambda self: any(self.world.may_refuse(i) for i in range(len(self.world.flying))))
    @rule(data=st.data())
    def offer_arrives_damaged(self, data: st.DataObject) -> None:
        offers = [i for i in range(len(self.world.flying)) if self.world.may_refuse(i)]
        self.world.land_damaged(data.draw(st.sampled_from(offers)))

    @precondition(lambda self: self.world.refused)
    @rule(data=st.data())
    def refusal_arrives_again(self, data: st.DataObject) -> None:
        self.world.refuse_again(data.draw(st.sampled_from(self.world.refused)))

    @invariant()
    def at_most_one_district_may_act(self) -> None:
        able = [d for d in DISTRICTS if (case := self.world.case(d)) and case.may_act]
        assert len(able) <= 1, able

    @invariant()
    def no_entry_is_ever_lost_or_renumbered(self) -> None:
        for district in DISTRICTS:
            if case := self.world.case(district):
                keys = [entry.key for entry in case.history]
                assert len(keys) == len(set(keys)) == case.version >= self.longest[district]
                assert len(self.world.facts[district]) == case.version
                self.longest[district] = case.version

    @invariant()
    def there_is_at_most_one_decision(self) -> None:
        decisions = {case.decision for d in DISTRICTS if (case := self.world.case(d)) and case.decision}
        assert len(decisions) <= 1

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.land_everything()
        intake, handling = (self.world.case(district) for district in DISTRICTS)
        assert intake is not None
        assert not intake.responsibility.handing_over, "every hand-over comes to an answer"
        if intake.state not in (State.CLOSED, State.WITHDRAWN):
            able = [d for d in DISTRICTS if (case := self.world.case(d)) and case.may_act]
            assert len(able) == 1, "somebody is responsible"
            assert due_act(self.world.case(able[0])), "and has it on the worklist"
        assert not self.world.dossiers[INTAKE].early
        if handling is not None:
            for name in ("history", "state", "responsibility", "custody", "decision", "materials", "item", "version"):
                assert getattr(intake, name) == getattr(handling, name), name
            for name in ("submitted_at", "received_at", "accepted_at", "closed_at"):
                assert getattr(intake, name) == getattr(handling, name), name
        if intake.withdrawal_pending:
            raise AssertionError("every wish to withdraw is answered")


CaseOfTwoDistricts.TestCase.settings = settings(
    # Shrinking a failure takes minutes: ask for it, as above, when there is one to look at.
    phases=[phase for phase in Phase if phase is not Phase.shrink or "EXAMPLES" in os.environ],
    max_examples=EXAMPLES,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestAnyOrder = CaseOfTwoDistricts.TestCase


def test_a_case_crosses_and_comes_back_decided_and_delivered():
    world = TwoDistricts(Mode.FULLY_ONLINE)
    world.land_everything()
    assert world.case(INTAKE).state is world.case(HANDLING).state is State.FORWARDED
    world.act(HANDLING, accept)
    world.act(HANDLING, ACTS["grant"])
    world.land_everything()
    for district in DISTRICTS:
        assert world.case(district).state is State.CLOSED
        assert [entry.act for entry in world.case(district).history] == [
            Act.SUBMITTED,
            Act.RECEIVED,
            Act.HAND_OVER_OFFERED,
            Act.HAND_OVER_TAKEN,
            Act.ACCEPTED,
            Act.REVIEW_STARTED,
            Act.GRANTED,
            Act.PRODUCED,
            Act.HAND_OVER_OFFERED,
            Act.HAND_OVER_TAKEN,
            Act.DELIVERED,
            Act.CLOSED,
        ]


def test_an_act_that_overtakes_the_taking_is_copied_and_proves_it():
    world = TwoDistricts(Mode.PROXY_COLLECTION)
    world.act(INTAKE, receive)
    world.land(0)
    world.act(HANDLING, accept)
    world.land(2)  # after it: taken, accepted
    assert world.case(INTAKE).state is State.UNDER_REVIEW
    assert world.case(INTAKE).responsibility.holder == HANDLING
    world.land_everything()
    assert world.case(INTAKE).history == world.case(HANDLING).history


@pytest.mark.parametrize("first", ["offer", "recall"])
def test_a_recall_racing_with_the_offer_leaves_exactly_one_able_to_act(first: str):
    world = TwoDistricts(Mode.PROXY_COLLECTION)
    world.act(INTAKE, receive)
    world.act(INTAKE, recall)
    world.land(0 if first == "offer" else 1)
    world.land_everything()
    able = [d for d in DISTRICTS if (case := world.case(d)) and case.may_act]
    assert able == [HANDLING if first == "offer" else INTAKE]


def test_a_refused_offer_comes_back_and_goes_out_again_under_a_new_turn():
    world = TwoDistricts(Mode.FULLY_ONLINE)
    world.refuse(0)
    came_back = world.case(INTAKE)
    assert came_back.may_act and came_back.attention == "courier.not_agreed" and due_act(came_back) == "hand_over"
    world.act(INTAKE, hand_over)
    assert world.case(INTAKE).responsibility.turn == 3
    world.land_everything()
    assert world.case(HANDLING).may_act


def test_a_wish_to_withdraw_while_handing_over_is_kept_by_whoever_becomes_responsible():
    world = TwoDistricts(Mode.FULLY_ONLINE)
    world.act(INTAKE, withdraw)
    world.land(1)  # the wish overtakes the offer
    world.land_everything()
    assert world.case(INTAKE).state is world.case(HANDLING).state is State.WITHDRAWN


def test_a_wish_to_withdraw_after_the_decision_is_answered_already_decided():
    world = TwoDistricts(Mode.FULLY_ONLINE)
    world.land_everything()
    world.act(HANDLING, accept)
    world.act(HANDLING, ACTS["grant"])
    world.act(INTAKE, withdraw)
    world.land_everything()
    denial = next(e for e in world.case(INTAKE).history if e.act is Act.WITHDRAWAL_DENIED)
    assert denial.note == "case_routing.already_decided" and world.case(INTAKE).state is State.CLOSED


def test_an_act_of_a_later_turn_that_overtakes_everything_leaves_both_with_the_same_turn():
    world = TwoDistricts(Mode.FULLY_ONLINE)
    world.land(0)
    world.act(HANDLING, accept)
    world.act(HANDLING, ACTS["grant"])
    world.refuse(len(world.flying) - 1)  # the offer back, refused by the link
    world.land(len(world.flying) - 1)  # what came of it overtakes all that led to it
    world.land_everything()
    assert world.case(INTAKE).responsibility == world.case(HANDLING).responsibility
    assert world.case(INTAKE).history == world.case(HANDLING).history
