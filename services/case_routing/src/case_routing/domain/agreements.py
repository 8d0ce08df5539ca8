"""What two districts agreed that either may open at the other: item codes, from when to when.

Only what opens something new is held against the agreement in force. A case that is open follows the version that it was
opened under until it is done; the courier keeps which one that was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from case_routing.domain.errors import NoAgreement, NotAgreed
from case_routing.domain.model import Act, Case

#: In a list of what may be opened: anything.
ANYTHING = "*"


@dataclass(frozen=True, slots=True)
class Agreement:
    """One version, as far as cases care; `opens` names, per giving district, what it may open at the other."""

    parties: tuple[str, str]
    version: int
    valid_from: datetime
    valid_until: datetime | None
    opens: Mapping[str, frozenset[str]]

    def in_force(self, now: datetime) -> bool:
        """True from its first moment to just before its last."""
        return self.valid_from <= now and (self.valid_until is None or now < self.valid_until)


def check_may_open(kept: Iterable[Agreement], giver: str, taker: str, item_code: str, now: datetime) -> None:
    """Whether `giver` may open the item at `taker`: the highest version in force says. Raises NoAgreement or NotAgreed."""
    current = max((made for made in kept if made.in_force(now)), key=lambda made: made.version, default=None)
    if current is None:
        raise NoAgreement(item_code, taker)
    if current.opens.get(giver, frozenset()).isdisjoint({ANYTHING, item_code}):
        raise NotAgreed(item_code, taker)


def is_opened(case: Case) -> bool:
    """Whether the case went to the other district under an agreement: an offer that the link refused opened nothing."""
    acts = [entry.act for entry in case.history]
    return acts.count(Act.HAND_OVER_OFFERED) > acts.count(Act.HAND_OVER_REFUSED)
