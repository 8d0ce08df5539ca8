"""What the hotline tells its own district, and what it tells another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hotline.domain.model import Ticket


@dataclass(frozen=True)
class TicketProgressed:
    """A ticket changed in this district's book; the last entry of its timeline says how."""

    ticket: Ticket


@dataclass(frozen=True)
class TransferOffered:
    """To another district: the whole ticket, for its agents. `opener_subject` is pairwise for that district."""

    ticket: Ticket
    turn: int
    reason: str
    opener_subject: str


@dataclass(frozen=True)
class TransferTaken:
    """To the giver: responsible here since this was written."""

    number: str
    turn: int


@dataclass(frozen=True)
class Answered:
    """To the giver: the answer."""

    number: str
    turn: int
    answer: str
    answered_by: str
    answered_at: datetime


@dataclass(frozen=True)
class Bounced:
    """To the giver: not ours; `turn` is the one that the giver holds again."""

    number: str
    turn: int
    reason: str
    bounced_at: datetime


ToDistrict = TransferOffered | TransferTaken | Answered | Bounced
