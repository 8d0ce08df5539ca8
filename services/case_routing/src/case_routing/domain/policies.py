"""What a district may do to a case of its own accord: pure functions from copy, wish and moment to the next step.

Receipt and acceptance are different acts (收受分离): the intake district checks form and identity, the handling district
accepts. Law: Administrative Licensing Law, articles 32 (receipt, acceptance), 38 (reasons of a refusal), 44 (delivery).
"""

from __future__ import annotations

from dataclasses import dataclass

from case_routing.domain.errors import (
    AlreadyClosed,
    AlreadyDecided,
    HandingOver,
    NotHandingOver,
    NotResponsible,
    OutOfOrder,
    ReasonsRequired,
    ReasonsTooLong,
    VersionConflict,
)
from case_routing.domain.events import Offered, RecallAsked, WithdrawalAsked
from case_routing.domain.history import Moment, Step, record
from case_routing.domain.model import (
    Act,
    Applicant,
    Case,
    Decision,
    Item,
    Material,
    Mode,
    Purpose,
    Responsibility,
    State,
)
from case_routing.domain.writers import PHASE_OF_ACT, writer

REASONS_LIMIT = 2_000

#: act → the states in which it is in order, and the state that it leads to.
MOVES: dict[Act, tuple[frozenset[State], State]] = {
    Act.RECEIVED: (frozenset({State.SUBMITTED}), State.RECEIVED),
    Act.ACCEPTED: (frozenset({State.RECEIVED, State.FORWARDED}), State.ACCEPTED),
    Act.REVIEW_STARTED: (frozenset({State.ACCEPTED}), State.UNDER_REVIEW),
    Act.GRANTED: (frozenset({State.UNDER_REVIEW}), State.GRANTED),
    Act.REFUSED: (frozenset({State.UNDER_REVIEW}), State.REFUSED),
    Act.PRODUCED: (frozenset({State.GRANTED}), State.PRODUCED),
    Act.DELIVERED: (frozenset({State.PRODUCED, State.REFUSED}), State.DELIVERED),
    Act.CLOSED: (frozenset({State.DELIVERED}), State.CLOSED),
}


@dataclass(frozen=True, slots=True)
class Application:
    """A complete application, checked, about to become a case."""

    number: str
    item: Item
    handling: str
    applicant: Applicant
    materials: tuple[Material, ...]
    kiosk_id: str = ""


# Acts of the district that is responsible ----------------------------------------------------------------------------


def submit(application: Application, here: str, moment: Moment) -> Step:
    """A new case at the intake district; fully online its form and identity were checked on the way in, so it is received."""
    case = Case(
        here=here,
        number=application.number,
        item=application.item,
        intake=here,
        handling=application.handling,
        applicant=application.applicant,
        materials=application.materials,
        state=State.SUBMITTED,
        responsibility=Responsibility(here),
        submitted_at=moment.now,
        updated_at=moment.now,
        kiosk_id=application.kiosk_id,
    )
    step = record(Step(case), Act.SUBMITTED, moment, State.SUBMITTED)
    return receive(step.case, moment, step) if application.item.mode is Mode.FULLY_ONLINE else step


def receive(case: Case, moment: Moment, step: Step | None = None) -> Step:
    """收件: form and identity are in order; the case goes on to the district that decides."""
    step = _move(step or Step(case), Act.RECEIVED, moment)
    return _offer(step, Purpose.HANDLE, moment) if case.handling != case.here else step


def accept(case: Case, moment: Moment) -> Step:
    """受理: the decision clock starts, and the review with it."""
    return _move(_move(Step(case), Act.ACCEPTED, moment), Act.REVIEW_STARTED, moment)


def grant(case: Case, reasons: str, document_no: str, moment: Moment) -> Step:
    """准予 and 制证: the result is produced and goes where it is delivered."""
    step = _decide(case, Act.GRANTED, reasons.strip(), document_no, moment)
    return _to_delivery(_move(step, Act.PRODUCED, moment), moment)


def refuse(case: Case, reasons: str, document_no: str, moment: Moment) -> Step:
    """不予: with reasons, delivered too; nothing is produced."""
    if not reasons.strip():
        raise ReasonsRequired
    return _to_delivery(_decide(case, Act.REFUSED, reasons.strip(), document_no, moment), moment)


def deliver(case: Case, moment: Moment) -> Step:
    """送达 and 办结: the decision has reached the person."""
    return _move(_move(Step(case), Act.DELIVERED, moment), Act.CLOSED, moment)


def hand_over(case: Case, moment: Moment) -> Step:
    """Offers a case that came back to the other district again."""
    check_responsible(case)
    if due_act(case) != "hand_over":
        raise OutOfOrder(case.number, case.state, "handed over")
    return _offer(Step(case), Purpose.HANDLE if case.here == case.intake else Purpose.DELIVER, moment)


# Asking the other district -------------------------------------------------------------------------------------------


def recall(case: Case, moment: Moment) -> Step:
    """The giver asks for an open hand-over back; asking again changes nothing."""
    held = case.responsibility
    if held.holder != case.here or not held.handing_over:
        raise NotHandingOver(case.number)
    if any(entry.act is Act.RECALL_ASKED and entry.turn == held.turn for entry in case.history):
        return Step(case)
    step = record(Step(case), Act.RECALL_ASKED, moment, copy_to_peer=False)
    return step.send(RecallAsked(case.number, held.turn, step.latest))


def withdraw(case: Case, moment: Moment) -> Step:
    """The applicant takes the application back: at once where this district is responsible, else by asking the other."""
    if case.state is State.WITHDRAWN:
        raise AlreadyClosed(case.number, case.state)
    if case.decided:
        raise AlreadyDecided(case.number)
    if case.may_act:
        return record(Step(case), Act.WITHDRAWN, moment, State.WITHDRAWN)
    if case.withdrawal_pending:
        return Step(case)
    step = record(Step(case), Act.WITHDRAWAL_ASKED, moment, copy_to_peer=False)
    return step.send(WithdrawalAsked(case.number, step.latest))


# What the system does by itself --------------------------------------------------------------------------------------


def proceed(step: Step, moment: Moment) -> Step:
    """What follows without a person once this district may act: a withdrawal asked for, an online delivery."""
    case = step.case
    if not case.may_act or case.ended:
        return step
    if case.withdrawal_pending and not case.decided:
        return record(step, Act.WITHDRAWN, moment, State.WITHDRAWN)
    if case.item.mode is Mode.FULLY_ONLINE and due_act(case) == "deliver":
        return _move(_move(step, Act.DELIVERED, moment, note="in the person's account"), Act.CLOSED, moment)
    return step


def due_act(case: Case) -> str:
    """What a clerk of this district has to do next; "" where nothing waits for one."""
    if case.may_act and not case.ended:
        if case.state is State.SUBMITTED:
            return "receive"
        if case.state is State.UNDER_REVIEW:
            return "decide"
        if case.state in (State.RECEIVED, State.FORWARDED):
            return "accept" if case.here == case.handling else "hand_over"
        return "deliver" if case.here == case.intake else "hand_over"
    return "look" if case.attention else ""


def check_version(case: Case, expected: int) -> None:
    """Raises VersionConflict unless the case is as the caller read it; 0 means however it is."""
    if expected not in (0, case.version):
        raise VersionConflict(case.number, case.version)


def check_responsible(case: Case) -> None:
    """Raises AlreadyClosed, HandingOver or NotResponsible unless this district may act."""
    if case.ended:
        raise AlreadyClosed(case.number, case.state)
    if case.responsibility.holder == case.here and case.responsibility.handing_over:
        raise HandingOver(case.number, case.responsibility.offered_to)
    if case.responsibility.holder != case.here:
        raise NotResponsible(case.number, case.responsibility.holder)


def may_open_materials(case: Case) -> bool:
    """Whether clerks of this district may open the materials.

    The district that decides needs them, also afterwards, when somebody asks why. The intake district checks form and identity
    (收件), so it needs them only while the case lies with it undecided; to deliver a decision nobody needs them. What was
    withdrawn is the applicant's own again.
    """
    decides = case.here == case.handling
    takes_in = case.here == case.intake and case.may_act and not case.decided
    return case.state is not State.WITHDRAWN and (decides or takes_in)


def _move(step: Step, act: Act, moment: Moment, *, note: str = "", decision: Decision | None = None) -> Step:
    case = step.case
    check_responsible(case)
    author = writer("state", PHASE_OF_ACT[act], intake=case.intake, handling=case.handling)
    if author != case.here:
        raise NotResponsible(case.number, author)
    before, after = MOVES[act]
    if case.state not in before:
        raise OutOfOrder(case.number, case.state, act)
    return record(step, act, moment, after, note=note, decision=decision)


def _decide(case: Case, act: Act, reasons: str, document_no: str, moment: Moment) -> Step:
    if len(reasons) > REASONS_LIMIT:
        raise ReasonsTooLong(REASONS_LIMIT)
    if case.decided and not case.ended:
        raise AlreadyDecided(case.number)
    decision = Decision(act is Act.GRANTED, reasons, document_no, moment.now, case.here)
    return _move(Step(case), act, moment, decision=decision)


def _to_delivery(step: Step, moment: Moment) -> Step:
    if step.case.here == step.case.intake:
        return proceed(step, moment)
    return _offer(step, Purpose.DELIVER, moment)


def _offer(step: Step, purpose: Purpose, moment: Moment) -> Step:
    """From this commit on this district may not act; the offer carries everything the taker needs."""
    to = step.case.peer
    step = record(step, Act.HAND_OVER_OFFERED, moment, note=f"to {to}, to {purpose}", copy_to_peer=False)
    offer = step.case.responsibility.offer(to, purpose)
    step = step.change(responsibility=offer)
    return step.send(Offered(step.case.number, offer.turn, purpose, step.case.for_peer()))
