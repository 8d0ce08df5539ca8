"""What the use cases need of the world; the fakes of the tests pass the same suites as the adapters."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from chassis.paging import Wish

from case_routing.domain.agreements import Agreement
from case_routing.domain.events import Event
from case_routing.domain.letters import Dossier
from case_routing.domain.model import Acting, Case, Guide, Party, Reader


class Cases(Protocol):
    """The cases that this district holds a copy of."""

    def lock(self, number: str) -> Dossier:
        """All that is held under the number; nobody else changes it before the transaction ends. Materials without content."""

    def get(self, number: str) -> Case | None:
        """The copy as it is, without contents."""

    def content(self, number: str, key: str) -> bytes | None:
        """A material's content; None where this district has its digest only."""

    def save(self, dossier: Dossier) -> None:
        """Keeps what changed. History, custody and traces are only added to; contents are kept where they are given."""

    def mine(self, reader: Reader, wish: Wish) -> Sequence[Case]:
        """The cases that a person may see by (submitted_at, number), newest first, without history; one more than the wish's size."""

    def worklist(self, wish: Wish) -> Sequence[Case]:
        """Cases in which an act of this district's clerks is due, by (submitted_at, number), oldest first; one more."""


class Agreements(Protocol):
    """Signed copies of this district's agreements with others, every version."""

    def of(self, peer: str) -> Sequence[Agreement]:
        """Every version with `peer`, in force or not."""

    def text(self, made: Agreement) -> str | None:
        """The copy that is kept of the same parties and version."""

    def add(self, made: Agreement, text: str) -> None: ...


class Work(Protocol):
    """One transaction."""

    @property
    def cases(self) -> Cases: ...

    @property
    def agreements(self) -> Agreements: ...

    def record(self, event: Event) -> None:
        """Tells this district's services a fact, or sends a letter. Call it after the case was saved."""

    def burst(self, case: Case) -> AbstractContextManager[object]:
        """The trace of the work inside is linked to the bursts of work before it."""


class Catalogue(Protocol):
    """The catalogue of this district."""

    def guide(self, item_code: str) -> Guide:
        """Raises UnknownItem."""


class People(Protocol):
    """The identity service of this district."""

    def party(self, person: Acting, peer: str) -> Party:
        """The person, or the firm while they may act for it; with subjects at `peer` (none where it is empty)."""


class Numbers(Protocol):
    """Numbers that nobody can guess."""

    def case_number(self, intake: str, now: datetime) -> str:
        """`<intake code>-<date in Asia/Shanghai>-<random>`"""

    def document_number(self, district: str, now: datetime) -> str:
        """The number of a decision document."""
