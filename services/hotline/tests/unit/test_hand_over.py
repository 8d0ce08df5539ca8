"""Whatever order messages take and however often they come, at most one district is responsible for a ticket."""

from __future__ import annotations

from hotline.domain.errors import HotlineError
from hotline.domain.events import Answered, Bounced, TransferOffered, TransferTaken
from hotline.domain.model import State
from hotline.usecases.answer_ticket import answer_ticket
from hotline.usecases.bounce_ticket import bounce_ticket
from hotline.usecases.hear_of_ticket import keep_answer, note_taken, take_back
from hotline.usecases.open_ticket import open_ticket
from hotline.usecases.take_ticket import take_ticket
from hotline.usecases.transfer_ticket import transfer_ticket
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ..factories import CITIZEN, GUSU, HUANGPU, NOW, SHANGCHENG, identifier
from ..fakes import FakeWork

DISTRICTS = (GUSU, HUANGPU, SHANGCHENG)
district = st.sampled_from(DISTRICTS)


class Line(RuleBasedStateMachine):
    """One ticket, three districts, and a line between them that delivers in any order and may deliver again."""

    def __init__(self) -> None:
        super().__init__()
        self.works = {code: FakeWork(code) for code in DISTRICTS}
        words = {"subject_line": "s", "body": "b", "case_number": ""}
        self.number = open_ticket(self.works[GUSU], CITIZEN, **words, now=NOW, identifier=identifier(1)).number
        self.waiting: list[tuple[str, str, object]] = []
        self.delivered: list[tuple[str, str, object]] = []

    def states(self) -> dict[str, State]:
        kept = {code: work.tickets.get(self.number) for code, work in self.works.items()}
        return {code: ticket.state for code, ticket in kept.items() if ticket}

    def collect(self) -> None:
        for code, work in self.works.items():
            self.waiting += [(code, target, message) for target, message in work.sent]
            work.sent.clear()

    def hear(self, letter) -> None:
        sender, target, message = letter
        work = self.works[target]
        match message:
            case TransferOffered():
                take_ticket(work, message, giver=sender, now=NOW, identifier=identifier(2))
            case TransferTaken():
                note_taken(work, message, sender=sender, now=NOW)
            case Answered():
                keep_answer(work, message, sender=sender)
            case Bounced():
                take_back(work, message, sender=sender)
        self.collect()

    def attempt(self, act) -> None:
        try:
            act()
        except HotlineError:
            return
        self.collect()

    @rule(at=district, to=district)
    def transfer(self, at, to) -> None:
        self.attempt(
            lambda: transfer_ticket(self.works[at], self.number, to=to, reason="r", opener_subject="", now=NOW)
        )

    @rule(at=district)
    def bounce(self, at) -> None:
        self.attempt(lambda: bounce_ticket(self.works[at], self.number, reason="r", now=NOW))

    @rule(at=district)
    def answer(self, at) -> None:
        self.attempt(lambda: answer_ticket(self.works[at], self.number, answer=f"by {at}", now=NOW))

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def deliver(self, data) -> None:
        letter = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
        self.delivered.append(letter)
        self.hear(letter)

    @precondition(lambda self: self.delivered)
    @rule(data=st.data())
    def deliver_again(self, data) -> None:
        self.hear(data.draw(st.sampled_from(self.delivered)))

    @invariant()
    def at_most_one_is_responsible(self) -> None:
        states = list(self.states().values())
        assert states.count(State.OPEN) + (State.ANSWERED in states) <= 1

    def teardown(self) -> None:
        """When everything has arrived, somebody is responsible, or the answer is where the ticket was opened."""
        while self.waiting:
            self.delivered.append(self.waiting[0])
            self.hear(self.waiting.pop(0))
        states = self.states()
        assert list(states.values()).count(State.OPEN) == 1 or states[GUSU] is State.ANSWERED
        assert State.TRANSFERRING not in states.values()


Line.TestCase.settings = settings(max_examples=300, stateful_step_count=25, deadline=None)
TestLine = Line.TestCase
