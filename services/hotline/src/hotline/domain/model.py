"""A ticket (工单): one number in every district that has it, and at most one of them responsible at any time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How a ticket stands in one district's books."""

    OPEN = "open"  # this district is responsible
    TRANSFERRING = "transferring"  # offered by this district, not yet taken: nobody may act
    TRANSFERRED = "transferred"  # another district is responsible; this one waits for its answer
    ANSWERED = "answered"
    RETURNED = "returned"  # "not ours": given back to where it came from


@dataclass(frozen=True)
class Entry:
    """One dated act of `district`; `note` is what an agent wrote for other agents."""

    at: datetime
    district: str
    event: str
    note: str
    version: int


@dataclass(frozen=True)
class Ticket:
    """A ticket as `district` knows it.

    `holder` is the district that may act, as far as this one knows; empty while it is handed over. `turn` counts hand-overs from 1 along the whole way, so that a late message is known as one. `came_from` is who handed
    it to this district; answers go back that way, because only neighbours on it are sure to be linked.
    """

    number: str
    #: Place in this district's book: sorts by the time it came in.
    place: str
    district: str
    opened_in: str
    state: State
    holder: str
    opener_subject: str
    subject_line: str
    body: str
    opened_at: datetime
    case_number: str = ""
    turn: int = 1
    came_from: str = ""
    offered_to: str = ""
    #: The message that offers the ticket or gives it back, as long as that can still be refused.
    hand_over_id: str = ""
    answer: str = ""
    answered_by: str = ""
    answered_at: datetime | None = None
    attention: str = ""
    version: int = 0
    timeline: tuple[Entry, ...] = ()

    def after(self, event: str, at: datetime, *, by: str = "", note: str = "", **changes: Any) -> Ticket:
        """The ticket after an act of `by` (this district where it is empty), which becomes the timeline's last entry."""
        version = self.version + 1
        entry = Entry(at, by or self.district, event, note, version)
        return replace(self, version=version, timeline=(*self.timeline, entry), **changes)


@dataclass(frozen=True)
class Viewer:
    """Who looks: an agent sees the district's whole book, anybody else the tickets opened in their name."""

    subject: str
    is_agent: bool
