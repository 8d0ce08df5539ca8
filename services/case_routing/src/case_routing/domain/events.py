"""What a district tells: facts to its own services, letters to the other district of a case.

Letters are what the courier carries. Everything in them is right under any order and any repetition: turns and entry
keys decide, never the order of arrival.
"""

from __future__ import annotations

from dataclasses import dataclass

from case_routing.domain.model import Case, Decision, Entry, Purpose


@dataclass(frozen=True, slots=True)
class Progressed:
    """Fact: an entry was added to this district's copy, by its own act or its peer's."""

    case: Case
    entry: Entry


@dataclass(frozen=True, slots=True)
class Offered:
    """From now on the giver may not act. `file` is the giver's copy."""

    number: str
    turn: int
    purpose: Purpose
    file: Case


@dataclass(frozen=True, slots=True)
class Taken:
    """The taker is responsible since the commit that wrote `entry`."""

    number: str
    turn: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Declined:
    """The taker will not have it; responsibility stays with the giver."""

    number: str
    turn: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class RecallAsked:
    """The giver asks for an offered turn back."""

    number: str
    turn: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class RecallAnswered:
    """Given back, or (with the taker's entry) not."""

    number: str
    turn: int
    given_back: bool
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Acted:
    """What the acting district did; `decision` comes with the act that decided."""

    number: str
    entry: Entry
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class WithdrawalAsked:
    """The applicant wants to withdraw a case whose responsibility lies with the other district."""

    number: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class WithdrawalAnswered:
    """Withdrawn, or why not."""

    number: str
    withdrawn: bool
    code: str = ""
    entry: Entry | None = None


Letter = Offered | Taken | Declined | RecallAsked | RecallAnswered | Acted | WithdrawalAsked | WithdrawalAnswered


@dataclass(frozen=True, slots=True)
class Send:
    """A letter on its way out. `answers_to` is the id of the message that it answers."""

    letter: Letter
    to: str
    answers_to: str = ""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A letter as it came in; the courier vouches for `sender`."""

    letter: Letter
    sender: str
    id: str = ""


Event = Progressed | Send
