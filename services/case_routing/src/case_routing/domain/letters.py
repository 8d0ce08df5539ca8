"""What a district does with a letter of the other one: the hand-over of responsibility, and copies of acts.

Safety rests on two rules. A giver may not act from its offer until the taker's answer for that very turn, or the link's
signed refusal of that very message. A taker answers a turn once, for ever: a recall that comes first makes it give the
turn back, and the offer that comes later is not taken. So at any time at most one district may act.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from case_routing.domain.errors import AlreadyDecided, CaseError, DigestMismatch, NotAParty
from case_routing.domain.events import (
    Acted,
    Arrived,
    Declined,
    Event,
    Letter,
    Offered,
    RecallAnswered,
    RecallAsked,
    Send,
    Taken,
    WithdrawalAnswered,
    WithdrawalAsked,
)
from case_routing.domain.history import Moment, Step, learn, record
from case_routing.domain.model import Act, Answer, Case, Decision, Entry, Purpose, State, intake_of
from case_routing.domain.policies import proceed


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that one district holds under one case number, also before (or without) a copy of the case."""

    here: str
    number: str
    case: Case | None = None
    #: (turn, answer) for each turn that this district, as taker, answered.
    answers: tuple[tuple[int, Answer], ...] = ()
    #: Letters that came before the offer that they need.
    early: tuple[Arrived, ...] = ()

    def with_case(self, case: Case) -> Dossier:
        return replace(self, case=case)

    def answer_to(self, turn: int) -> Answer | None:
        return dict(self.answers).get(turn)

    def answered(self, turn: int, answer: Answer) -> Dossier:
        return replace(self, answers=(*self.answers, (turn, answer)))

    def is_past(self, turn: int) -> bool:
        """Whether this turn or a later one is known here: an offer that comes again must not be taken again."""
        known = self.case.responsibility.turn if self.case else 0
        return turn <= max([known, *(answered for answered, _ in self.answers)])


Outcome = tuple[Dossier, tuple[Event, ...]]


def read(dossier: Dossier, arrived: Arrived, moment: Moment) -> Outcome:
    """What this district holds after the letter, and what it has to tell. Raises NotAParty."""
    case, letter = dossier.case, arrived.letter
    if arrived.sender != (case.peer if case else intake_of(dossier.number)):
        raise NotAParty(dossier.number, arrived.sender, "write about this case")
    if isinstance(letter, Offered):
        return _read_offer(dossier, letter, arrived, moment)
    if isinstance(letter, RecallAsked):
        return _read_recall(dossier, letter, arrived, moment)
    if case is not None:
        step = _read_copy(Step(case), letter, arrived, moment)
        return dossier.with_case(step.case), step.events
    if isinstance(letter, Acted | WithdrawalAsked):
        return replace(dossier, early=(*dossier.early, arrived)), ()
    return dossier, ()  # an answer to what this district never sent


def returned(dossier: Dossier, message_id: str, is_offer: bool, code: str, moment: Moment) -> Outcome:
    """The link refused a message of ours: an offer comes back to this district, anything else wants a person's eye."""
    case = dossier.case
    if case is None:
        return dossier, ()
    step = Step(case)
    if is_offer:
        if case.offer_id == message_id and _has_open_offer(case, case.responsibility.turn):
            step = _come_back(step, Act.HAND_OVER_REFUSED, moment, code)
    else:
        step = record(step, Act.MESSAGE_REFUSED, moment, note=code, copy_to_peer=False)
        step = step.change(attention=code)
    return dossier.with_case(step.case), step.events


# The taker's side ----------------------------------------------------------------------------------------------------


def _read_offer(dossier: Dossier, offer: Offered, arrived: Arrived, moment: Moment) -> Outcome:
    if dossier.is_past(offer.turn):
        return dossier, ()
    if (refusal := _why_not(dossier, offer, arrived.sender)) is not None:
        declined = Declined(offer.number, offer.turn, refusal.code, str(refusal))
        return dossier.answered(offer.turn, Answer.DECLINED), (Send(declined, arrived.sender, arrived.id),)
    step = _take(Step(dossier.case or _empty_copy(offer.file, arrived.sender)), offer, arrived, moment)
    waiting = dossier.early
    dossier = replace(dossier.answered(offer.turn, Answer.TAKEN), case=step.case, early=())
    events = step.events
    for early in waiting:
        dossier, more = read(dossier, early, moment)
        events += more
    return dossier, events


def _why_not(dossier: Dossier, offer: Offered, giver: str) -> CaseError | None:
    """The reason to decline the offer, or None."""
    file, case = offer.file, dossier.case
    parties = {Purpose.HANDLE: (file.intake, file.handling), Purpose.DELIVER: (file.handling, file.intake)}
    if parties[offer.purpose] != (giver, dossier.here) or intake_of(dossier.number) != file.intake:
        return NotAParty(offer.number, giver, f"offer the case here to {offer.purpose}")
    if case is not None and case.may_act:
        return NotAParty(offer.number, giver, "offer what it does not hold")
    known = {material.key: material.sha256 for material in case.materials} if case else None
    for material in file.materials:
        if known is not None and known.get(material.key) != material.sha256:
            return DigestMismatch(material.key)
        if known is None and offer.purpose is Purpose.HANDLE and not material.intact:
            return DigestMismatch(material.key)
    return None


def _empty_copy(file: Case, giver: str) -> Case:
    """The file without what its entries will bring; the applicant is a person of the giver's, whatever it says."""
    file = replace(file, applicant=file.applicant.told_by(giver, file.here))
    return replace(file, version=0, history=(), custody=(), traces=(), decision=None, attention="", offer_id="")


def _take(step: Step, offer: Offered, arrived: Arrived, moment: Moment) -> Step:
    """This district is responsible from the commit of this step on."""
    for entry in offer.file.history:
        step = learn(step, entry, moment, _decision_of(entry.act, offer.file))
    step = step.change(responsibility=step.case.responsibility.held_by(step.case.here, offer.turn))
    state = State.FORWARDED if offer.purpose is Purpose.HANDLE else None
    step = record(step, Act.HAND_OVER_TAKEN, moment, state, copy_to_peer=False)
    step = step.send(Taken(offer.number, offer.turn, step.latest), arrived.id)
    return proceed(step, moment)


def _decision_of(act: Act, file: Case) -> Decision | None:
    return file.decision if act in (Act.GRANTED, Act.REFUSED) else None


def _read_recall(dossier: Dossier, recall: RecallAsked, arrived: Arrived, moment: Moment) -> Outcome:
    answer, step = dossier.answer_to(recall.turn), Step(dossier.case) if dossier.case else None
    if step is not None:
        if step.case.knows(recall.entry):
            return dossier, ()
        step = learn(step, recall.entry, moment)
    if answer is None:
        dossier = dossier.answered(recall.turn, Answer.GIVEN_BACK)
        back = Send(RecallAnswered(recall.number, recall.turn, given_back=True), arrived.sender, arrived.id)
        step = step.tell(back) if step else None
        return replace(dossier, case=step.case if step else None), step.events if step else (back,)
    if step is None:
        return dossier, ()  # declined or given back before: the giver has that answer
    if answer is Answer.TAKEN:
        step = record(step, Act.RECALL_DENIED, moment, copy_to_peer=False)
        step = step.send(RecallAnswered(recall.number, recall.turn, given_back=False, entry=step.latest), arrived.id)
    return dossier.with_case(step.case), step.events


# The giver's side, and copies ----------------------------------------------------------------------------------------


def _read_copy(step: Step, letter: Letter, arrived: Arrived, moment: Moment) -> Step:
    match letter:
        case Taken(turn=turn, entry=entry):
            step = learn(_concede(step, turn), entry, moment)
        case Acted(entry=entry, decision=decision):
            step = _read_act(step, entry, decision, moment)
        case Declined(turn=turn, code=code) if _has_open_offer(step.case, turn):
            step = _come_back(step, Act.HAND_OVER_DECLINED, moment, code)
        case RecallAnswered(turn=turn, given_back=True) if _has_open_offer(step.case, turn):
            step = _come_back(step, Act.HAND_OVER_GIVEN_BACK, moment)
        case RecallAnswered(turn=turn, entry=Entry() as entry):
            step = learn(_concede(step, turn), entry, moment)
        case WithdrawalAsked(entry=entry):
            step = _read_withdrawal(step, entry, arrived, moment)
        case WithdrawalAnswered(entry=Entry() as entry):
            step = learn(step, entry, moment)
    return step


def _read_act(step: Step, entry: Entry, decision: Decision | None, moment: Moment) -> Step:
    """A copy of the other district's act. It may come before the letter that says it took the turn it acts in."""
    step = _concede(step, entry.turn)
    case = step.case
    if case.may_act and entry.state is not None and entry.turn >= case.responsibility.turn and not case.knows(entry):
        raise NotAParty(case.number, entry.district, "act on a case that it does not hold")
    return learn(step, entry, moment, decision)


def _read_withdrawal(step: Step, entry: Entry, arrived: Arrived, moment: Moment) -> Step:
    if step.case.knows(entry):
        return step
    step = proceed(learn(step, entry, moment), moment)
    number = step.case.number
    if step.case.state is State.WITHDRAWN:
        return step.send(WithdrawalAnswered(number, withdrawn=True), arrived.id)
    if step.case.decided:
        step = record(step, Act.WITHDRAWAL_DENIED, moment, note=AlreadyDecided.code, copy_to_peer=False)
        return step.send(WithdrawalAnswered(number, False, AlreadyDecided.code, step.latest), arrived.id)
    return step  # whoever is responsible has the wish from the one who asked, and settles it


def _has_open_offer(case: Case, turn: int) -> bool:
    held = case.responsibility
    return held.holder == case.here and held.handing_over and held.turn == turn


def _concede(step: Step, turn: int) -> Step:
    """The other district is responsible in `turn`: it took the open offer, or an offer of its own came to nothing.

    Only who is responsible writes in a turn, so any letter with an entry of that turn proves it.
    """
    held, peer = step.case.responsibility, step.case.peer
    took = held.holder == step.case.here and held.handing_over and turn >= held.turn
    if took or (held.holder == peer and turn > held.turn):
        return step.change(responsibility=held.held_by(peer, turn))
    return step


def _come_back(step: Step, act: Act, moment: Moment, code: str = "") -> Step:
    """The offer came to nothing: this district is responsible again, and the other one learns that it was offered."""
    if step.case.shared:
        step = step.send(Acted(step.case.number, step.latest_of(Act.HAND_OVER_OFFERED)))
    step = step.change(responsibility=step.case.responsibility.held_by(step.case.here, step.case.responsibility.turn))
    step = record(step, act, moment, note=code).change(attention=code)
    return proceed(step, moment)
