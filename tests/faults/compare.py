"""The journal beside what the systems hold: what was lost, doubled, made up, or swallowed without a word.

lost        acknowledged, and an effect that it must have is absent
dup         an effect is there more than once
unexpected  present and never sent: nobody's, or of an attempt that must have none
silent      not acknowledged for good, and what is left of it is half an effect, or nothing where it must show: no state
            and no alarm tells anybody
recovered   not acknowledged at its first sending, and complete once in the end
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields

from tests.faults.journal import Attempt, Outcome, Wanted

#: The effects that an attempt of each flow must have. What they are counted in: see evidence.py.
WANTED: Mapping[str, tuple[str, ...]] = {
    "ticket": ("ticket here", "offer accepted there", "ticket there", "taken there", "taken told here"),
    "case": ("case here", "offer accepted there", "case there", "taken there", "taken told here", "notice", "mail"),
    "notice": ("ticket here", "notice", "mail"),
    "event": ("notice", "mail"),
    "poison": (),
    "forgery": (),
}


@dataclass
class Found:
    """What the tables, the mail sink and the courier's logs hold of a trial."""

    #: (attempt's id, effect) → how often.
    effects: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: Things of this trial that carry no attempt's id.
    strays: list[str] = field(default_factory=list)
    #: Attempt's id → the states and alarms that show it: parked, refused, in quarantine, waiting.
    shown: dict[str, set[str]] = field(default_factory=dict)
    #: Identical copies of one mail, under one Message-ID.
    mail_copies: int = 0

    def show(self, id: str, how: str) -> None:
        self.shown.setdefault(id, set()).add(how)


@dataclass
class Verdict:
    """The counts of a row; `examples` say of some attempts what is wrong."""

    attempted: int = 0
    acked: int = 0
    lost: int = 0
    dup: int = 0
    recovered: int = 0
    unexpected: int = 0
    silent: int = 0
    mail_copies: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def bad(self) -> int:
        """How much of it must not be."""
        return self.lost + self.dup + self.unexpected + self.silent

    def add(self, other: Verdict) -> None:
        for one in fields(self):
            if one.name == "examples":
                self.examples = [*self.examples, *other.examples][:20]
            else:
                setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


def compare(attempts: Iterable[Attempt], found: Found, wanted: Mapping[str, tuple[str, ...]] = WANTED) -> Verdict:
    """Judges every attempt that was sent."""
    verdict = Verdict(mail_copies=found.mail_copies)
    known: set[str] = set()
    for attempt in attempts:
        known.add(attempt.id)
        if attempt.tries:
            _judge(attempt, found, wanted[attempt.flow], verdict)
    nobodys = sorted({f"{effect} of {id}" for id, effect in found.effects if id not in known})
    for what in [*nobodys, *found.strays]:
        verdict.unexpected += 1
        verdict.examples.append(f"unexpected: {what}")
    verdict.examples = verdict.examples[:20]
    return verdict


def _judge(attempt: Attempt, found: Found, effects: Sequence[str], verdict: Verdict) -> None:
    counts = {effect: n for (id, effect), n in found.effects.items() if id == attempt.id and n}
    missing = [effect for effect in effects if not counts.get(effect)]
    doubled = [effect for effect, n in counts.items() if n > 1]
    acked = attempt.outcome is Outcome.OK
    verdict.attempted += 1
    verdict.acked += acked
    wrong = ""
    if doubled:
        verdict.dup += 1
        wrong = f"dup: {', '.join(doubled)}"
    if attempt.wanted is Wanted.EFFECT:
        if acked and missing:
            verdict.lost += 1
            wrong = f"lost: no {', '.join(missing)}"
        elif not acked and counts and missing and attempt.id not in found.shown:
            verdict.silent += 1
            wrong = f"silent: {attempt.outcome} and no {', '.join(missing)}"
        elif not missing and not doubled and attempt.first is not Outcome.OK:
            verdict.recovered += 1
    else:
        if counts:
            verdict.unexpected += 1
            wrong = f"unexpected: {', '.join(counts)}"
        if attempt.wanted is Wanted.REFUSAL and attempt.id not in found.shown:
            verdict.silent += 1
            wrong = wrong or "silent: nothing shows that it came"
    if wrong:
        verdict.examples.append(f"{attempt.flow} {attempt.id} {wrong}")
