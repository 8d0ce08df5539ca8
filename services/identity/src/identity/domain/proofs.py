"""How somebody's identity was proven: by which way, at which source, and how strong that makes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from identity.domain.model import Assurance


class Way(StrEnum):
    """What was done to prove it."""

    TWO_ELEMENTS = "two_elements"  # 二要素: name and number belong together
    DOCUMENT = "document"  # 人证核验: person, name and document matched
    WINDOW = "window"  # 窗口核验: by somebody who had person and document before them
    REPRESENTATIVE = "representative"  # the register of firms names the person as legal representative


LEVEL = {
    Way.TWO_ELEMENTS: Assurance.L3,
    Way.DOCUMENT: Assurance.L4,
    Way.WINDOW: Assurance.L5,
    Way.REPRESENTATIVE: Assurance.L4,
}


@dataclass(frozen=True)
class Proof:
    """One proof, kept for good: who was proven to be whom, how, and by whom."""

    id: str
    #: Of the person or the firm.
    subject: str
    way: Way
    #: The source that was asked; "window" where a person looked.
    source: str
    #: Subject of who recorded it; the person's own where they asked a source themself.
    by: str
    at: datetime

    @property
    def level(self) -> Assurance:
        return LEVEL[self.way]
