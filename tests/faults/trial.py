"""One trial: people ask, something happens in the middle of it, and afterwards the journal is held against the evidence."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.client import Asking, Client
from tests.faults.compare import WANTED, Found, Verdict, compare
from tests.faults.evidence import MailSink, Witness, complete
from tests.faults.journal import Attempt, Journal, Outcome, Wanted
from tests.faults.rig import Rig

#: How long everything may take to settle after a fault. A control that nothing is on its way in any more is given up sooner:
#: what is absent then will not come.
DRAIN_S, STALLED_S = 90.0, 3.0
#: What a control's relay or courier has given up waits for ever.
GIVEN_UP_S = 25.0
POLL_S = 0.2
#: A late double has this long to show after everything is done.
AFTERMATH_S = 0.3


class NotCarriedOut(Exception):
    """The trial could not do its harm as it should."""


@dataclass
class Result:
    """What one trial came to. Times are None where nothing was left to be done after the fault."""

    verdict: Verdict
    t_first: float | None
    t_drain: float
    seconds: float


@dataclass
class Ground:
    """What every trial of a run shares."""

    rig: Rig
    client: Client
    mail: MailSink
    journals: Path
    report: Callable[[str], None] = lambda _: None

    @classmethod
    def of(cls, rig: Rig, journals: Path, report: Callable[[str], None]) -> Ground:
        return cls(rig, Client(rig.here), MailSink(rig.here.place.mail_folder), journals, report)

    def trial(self, number: int, *, control: bool = False) -> Trial:
        """Begins one; `number` counts from 0 and lets trials differ in where they strike."""
        journal = Journal()
        return Trial(self, number, control, journal, Witness.of(self.rig, journal, self.mail))


@dataclass
class Trial:
    """One trial under way."""

    ground: Ground
    number: int
    control: bool
    journal: Journal
    witness: Witness
    #: More of the evidence, of what only this trial does: it adds to what was found.
    also: list[Callable[[Found], None]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    _over: float = 0.0
    _complete_then: int = 0

    @property
    def rig(self) -> Rig:
        return self.ground.rig

    def ask(self, flows: Mapping[str, int], *, at_once: int = 6) -> Asking:
        """People begin to ask; the attempts of several flows are mixed."""
        planned = [self.journal.plan(flow, count) for flow, count in flows.items()]
        mixed: list[Attempt] = []
        while any(planned):
            for queue in planned:
                if queue:
                    mixed.append(queue.pop())
        return self.ground.client.begin(self.journal, mixed, at_once=at_once)

    def in_the_middle(self, count: int = 12) -> None:
        """Blocks until that many attempts are acknowledged: the fault strikes while others are under way.

        Raises NotCarriedOut where that never comes, unless in a control: a fault with nothing under way proves nothing.
        """
        if not self.journal.wait_acked(count) and not self.control:
            raise NotCarriedOut(f"fewer than {count} attempts were acknowledged before the fault")

    def over(self) -> None:
        """The fault has ended now."""
        self._complete_then = self._completed(self.look())
        self._over = time.monotonic()

    def look(self) -> Found:
        found = self.witness.look()
        for more in self.also:
            more(found)
        return found

    def finish(self, asking: Asking | None = None, *, drain_s: float = DRAIN_S, quiet: bool = True) -> Result:
        """Waits until everything has settled, then compares. A control ends once nothing moves for a while."""
        if not self._over:
            self.over()
        first, last = self._settle(asking, GIVEN_UP_S if self.control else drain_s, quiet)
        time.sleep(AFTERMATH_S)
        verdict = compare(self.journal, self.look())
        name = f"{self.number}{' control' if self.control else ''}"
        self.journal.write(self.ground.journals, name)
        return Result(verdict, first, last, time.monotonic() - self.began)

    def _settle(self, asking: Asking | None, patience_s: float, quiet: bool) -> tuple[float | None, float]:
        """(seconds until the first success after the fault, seconds until everything was settled)."""
        first: float | None = None
        before, moved = self._complete_then, time.monotonic()
        while True:
            found, now = self.look(), time.monotonic()
            done = self._completed(found)
            if done > before:
                before, moved = done, now
                first = first if first is not None else now - self._over
            answered = asking is None or not any(thread.is_alive() for thread in asking._threads)
            if not answered:
                moved = max(moved, now - patience_s / 2)
            if answered and self._settled(found) and (not quiet or not self.rig.waiting()):
                return first, now - self._over
            if now - moved > patience_s or (self.control and now - moved > STALLED_S and not self.rig.waiting()):
                if asking is not None:
                    asking.end()
                    asking.join()
                return first, now - self._over
            time.sleep(POLL_S)

    def _promised(self) -> list[Attempt]:
        return [a for a in self.journal if a.outcome is Outcome.OK and a.wanted is Wanted.EFFECT]

    def _completed(self, found: Found) -> int:
        flows = {attempt.id: attempt.flow for attempt in self.journal if attempt.wanted is Wanted.EFFECT}
        return len(complete(found, flows, WANTED, flows))

    def _settled(self, found: Found) -> bool:
        """Everything promised is there, and everything that must show does."""
        flows = {attempt.id: attempt.flow for attempt in self._promised()}
        refused = {a.id for a in self.journal if a.wanted is Wanted.REFUSAL and a.tries}
        return len(complete(found, flows, WANTED, flows)) == len(flows) and refused <= set(found.shown)
