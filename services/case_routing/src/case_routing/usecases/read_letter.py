"""A letter of the other district arrives: an offer, an answer, a copy of an act, a wish to withdraw."""

from __future__ import annotations

from contextlib import nullcontext

from case_routing.domain import letters
from case_routing.domain.events import Arrived
from case_routing.domain.history import Moment
from case_routing.usecases.ports import Work


def read_letter(work: Work, arrived: Arrived, moment: Moment) -> None:
    """Right under any order and any repetition. Raises NotAParty."""
    dossier = work.cases.lock(arrived.letter.number)
    with work.burst(dossier.case) if dossier.case else nullcontext():
        after, events = letters.read(dossier, arrived, moment)
        work.cases.save(after)
        for event in events:
            work.record(event)
