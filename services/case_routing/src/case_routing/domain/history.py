"""How a copy grows: own acts are recorded, the other district's are learned; both add one entry and move what follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from case_routing.domain.errors import NotAParty
from case_routing.domain.events import Acted, Event, Letter, Progressed, Send
from case_routing.domain.model import Act, Case, Custody, Decision, Entry, State, Trace
from case_routing.domain.writers import may_write_act

_DATES = {Act.RECEIVED: "received_at", Act.ACCEPTED: "accepted_at", Act.CLOSED: "closed_at", Act.WITHDRAWN: "closed_at"}


@dataclass(frozen=True, slots=True)
class Moment:
    """When something is done, and in which trace."""

    now: datetime
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A copy after some acts, and what has to be told of them."""

    case: Case
    events: tuple[Event, ...] = ()

    def tell(self, *events: Event) -> Step:
        return Step(self.case, self.events + events)

    def send(self, letter: Letter, answers_to: str = "") -> Step:
        """Writes `letter` to the other district of the case."""
        return self.tell(Send(letter, self.case.peer, answers_to))

    def change(self, **fields: object) -> Step:
        return Step(replace(self.case, **fields), self.events)  # type: ignore[arg-type]

    @property
    def latest(self) -> Entry:
        """The entry that this district wrote last."""
        return max((e for e in self.case.history if e.district == self.case.here), key=lambda e: e.version)

    def latest_of(self, act: Act) -> Entry:
        """The latest entry of this district for `act`."""
        return max(
            (e for e in self.case.history if e.district == self.case.here and e.act is act), key=lambda e: e.version
        )


def record(
    step: Step,
    act: Act,
    moment: Moment,
    state: State | None = None,
    *,
    note: str = "",
    decision: Decision | None = None,
    copy_to_peer: bool = True,
) -> Step:
    """Writes an act of this district; the other one gets a copy unless a letter of its own carries the entry."""
    case = step.case
    entry = Entry(case.here, case.version + 1, case.responsibility.turn, act, moment.now, note, state, moment.trace)
    step = _add(step, entry, moment, decision)
    if copy_to_peer and case.shared:
        step = step.send(Acted(case.number, entry, decision))
    return step


def learn(step: Step, entry: Entry, moment: Moment, decision: Decision | None = None) -> Step:
    """Adds an entry of the other district's, or one of ours that came back; a known one changes nothing.

    Raises NotAParty where the table of writers does not give that act to the district that claims it.
    """
    if step.case.knows(entry):
        return step
    if not may_write_act(entry.act, entry.district, step.case):
        raise NotAParty(step.case.number, entry.district, f"write {entry.act!r}")
    return _add(step, entry, moment, decision)


def _add(step: Step, entry: Entry, moment: Moment, decision: Decision | None) -> Step:
    case = step.case
    history = tuple(sorted((*case.history, entry), key=lambda e: e.place))
    case = replace(
        case,
        history=history,
        version=case.version + 1,
        state=_state_of(history),
        decision=case.decision or decision,
        custody=case.custody + _movements(case, entry),
        traces=_with_traces(case, entry, moment),
        updated_at=moment.now,
        attention=""
        if entry.district == case.here or entry.state in (State.CLOSED, State.WITHDRAWN)
        else case.attention,
    )
    if entry.act in _DATES:
        case = replace(case, **{_DATES[entry.act]: entry.at})  # type: ignore[arg-type]
    return Step(case, (*step.events, Progressed(case, entry)))


def _state_of(history: tuple[Entry, ...]) -> State:
    """The state of the latest entry that moved it: in one turn only one district moves it, by its own count."""
    moves = [entry for entry in history if entry.state is not None]
    latest = max(moves, key=lambda entry: (entry.turn, entry.version))
    assert latest.state is not None
    return latest.state


def _movements(case: Case, entry: Entry) -> tuple[Custody, ...]:
    """Custody follows from the entries alone, so that both districts log the same."""
    if entry.act is Act.SUBMITTED:
        giver = ""
    elif entry.act is Act.HAND_OVER_TAKEN:
        giver = case.handling if entry.district == case.intake else case.intake
    else:
        return ()
    return tuple(Custody(m.key, giver, entry.district, entry.at, m.sha256, entry.turn) for m in case.materials)


def _with_traces(case: Case, entry: Entry, moment: Moment) -> tuple[Trace, ...]:
    """Each burst once: where the entry was written, and where it was learned if that is a trace of its own."""
    traces = case.traces
    learned = Trace(moment.trace, case.here, f"learned {entry.act}", moment.now)
    written = Trace(entry.trace, entry.district, entry.act, entry.at)
    for found in (written, learned):
        if found.trace and not any(_same_burst(found, known) for known in traces):
            traces += (found,)
    return traces


def _same_burst(one: Trace, other: Trace) -> bool:
    """A traceparent's trace id is its second part (W3C Trace Context, section 3.2.2)."""
    return one.district == other.district and one.trace.split("-")[1:2] == other.trace.split("-")[1:2]
