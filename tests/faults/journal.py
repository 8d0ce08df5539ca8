"""What the client of a trial did: one line an attempt, written down when it is sent and when its outcome is known.

The journal is the client's word, and nothing else is believed about what was promised. An attempt is sent once and then
repeated under the same key for as long as its outcome is unknown, as any client of ours does.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class Outcome(StrEnum):
    """What the client knows of an attempt."""

    #: It was told that it is done.
    OK = "ok"
    #: It was told that it is not done, and why.
    FAILED = "failed"
    #: It was told nothing it can rely on.
    UNKNOWN = "unknown"


class Wanted(StrEnum):
    """What has to become of an attempt."""

    #: Its effects, each once.
    EFFECT = "effect"
    #: No effect, and a state or an alarm that shows that it came (poison, forgeries).
    REFUSAL = "refusal"
    #: No effect, and nothing need show it (the client was told: rolled back, refused in the answer).
    NOTHING = "nothing"


@dataclass
class Attempt:
    """One request of the client; the tables carry its `id`."""

    id: str
    flow: str
    wanted: Wanted = Wanted.EFFECT
    sent: float = 0.0
    #: The first answer, and the last.
    first: Outcome = Outcome.UNKNOWN
    outcome: Outcome = Outcome.UNKNOWN
    answered: float = 0.0
    tries: int = 0
    detail: str = ""


@dataclass
class Journal:
    """The attempts of one trial, in the order in which they were sent."""

    attempts: dict[str, Attempt] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition, repr=False)

    def plan(self, flow: str, count: int, wanted: Wanted = Wanted.EFFECT) -> list[Attempt]:
        """That many attempts with fresh ids, not sent yet."""
        made = [Attempt(an_id(), flow, wanted) for _ in range(count)]
        with self._changed:
            self.attempts.update({attempt.id: attempt for attempt in made})
        return made

    def sending(self, attempt: Attempt) -> None:
        """It goes out now (again)."""
        with self._changed:
            attempt.sent = attempt.sent or time.time()
            attempt.tries += 1
            self._changed.notify_all()

    def heard(self, attempt: Attempt, outcome: Outcome, detail: str = "") -> None:
        """What the client was told, or that it was told nothing."""
        with self._changed:
            if not attempt.answered:
                attempt.first = outcome
            attempt.answered = time.time()
            if attempt.outcome is not Outcome.OK:  # what was acknowledged once is acknowledged
                attempt.outcome, attempt.detail = outcome, detail
            self._changed.notify_all()

    def wait(self, condition: Callable[[Sequence[Attempt]], bool], timeout_s: float) -> bool:
        """Blocks until `condition` holds of the attempts; False after `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(list(self.attempts.values())), timeout_s)

    def wait_acked(self, count: int, timeout_s: float = 60.0) -> bool:
        """Blocks until that many attempts are acknowledged."""
        return self.wait(lambda known: sum(a.outcome is Outcome.OK for a in known) >= count, timeout_s)

    def __iter__(self) -> Iterator[Attempt]:
        return iter(self.attempts.values())

    def __len__(self) -> int:
        return len(self.attempts)

    @property
    def acked(self) -> list[Attempt]:
        return [attempt for attempt in self if attempt.outcome is Outcome.OK]

    def write(self, file: Path, trial: str) -> None:
        """Adds them to `file`, one JSON object a line."""
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as out:
            out.writelines(json.dumps({"trial": trial, **asdict(attempt)}) + "\n" for attempt in self)


@contextmanager
def noted(journal: Journal, attempt: Attempt) -> Iterator[None]:
    """An attempt that is either done when the block ends or raises: acknowledged, or unknown."""
    journal.sending(attempt)
    try:
        yield
    except Exception as error:
        journal.heard(attempt, Outcome.UNKNOWN, type(error).__name__)
        raise
    journal.heard(attempt, Outcome.OK)


def an_id() -> str:
    """Unique, and of a form that every table keeps in clear: what a ticket is about, a case's kiosk, a notice's matter."""
    return "F-" + "".join(secrets.choice(_LETTERS) for _ in range(14))
