"""What the use cases need of the database and of other services; fakes and adapters pass one suite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chassis.paging import Wish

from hotline.domain.events import TicketProgressed, ToDistrict
from hotline.domain.model import Ticket


class Tickets(Protocol):
    """This district's book of tickets, by number."""

    def get(self, number: str) -> Ticket | None: ...

    def get_for_change(self, number: str) -> Ticket | None:
        """As `get`, and nobody else changes or adds this number before the transaction ends."""

    def save(self, ticket: Ticket) -> None: ...

    def of_opener(self, subject: str, wish: Wish) -> Sequence[Ticket]:
        """Tickets opened in the name of `subject`, by place; one more than the wish's size."""

    def worklist(self, wish: Wish) -> Sequence[Ticket]:
        """Tickets that this district holds or that need attention, by place; one more than the wish's size."""


class Work(Protocol):
    """One transaction of the hotline of `district`."""

    @property
    def tickets(self) -> Tickets: ...

    @property
    def district(self) -> str: ...

    def record(self, event: TicketProgressed) -> None:
        """Tells this district's services."""

    def send(self, message: ToDistrict, target: str) -> str:
        """Tells another district; returns the message's id, which a refusal would name."""


class Identity(Protocol):
    """The identity service, as far as the hotline asks it."""

    def subject_at(self, subject: str, district: str) -> str:
        """The subject that the person has in another district; empty for one that is not known (any more)."""
