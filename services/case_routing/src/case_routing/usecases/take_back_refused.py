"""The link refused a message of ours, for good: an offered case comes back, anything else wants a person's eye."""

from __future__ import annotations

from dataclasses import dataclass

from case_routing.domain import letters
from case_routing.domain.history import Moment
from case_routing.usecases.ports import Work


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the other district's courier, or our own, signed."""

    number: str
    message_id: str
    is_offer: bool
    code: str


def take_back_refused(work: Work, refusal: Refusal, moment: Moment) -> None:
    """The history says why, and the case stands on the worklist."""
    dossier = work.cases.lock(refusal.number)
    after, events = letters.returned(dossier, refusal.message_id, refusal.is_offer, refusal.code, moment)
    work.cases.save(after)
    for event in events:
        work.record(event)
