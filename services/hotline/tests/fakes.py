"""The hotline's transaction in memory; it passes the same suite as the one on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chassis.paging import Wish
from hotline.domain.events import TicketProgressed, ToDistrict
from hotline.domain.model import State, Ticket


@dataclass
class FakeTickets:
    kept: dict[str, Ticket] = field(default_factory=dict)

    def get(self, number: str) -> Ticket | None:
        return self.kept.get(number)

    get_for_change = get

    def save(self, ticket: Ticket) -> None:
        self.kept[ticket.number] = ticket

    def of_opener(self, subject: str, wish: Wish) -> Sequence[Ticket]:
        return self._page([t for t in self.kept.values() if subject and t.opener_subject == subject], wish)

    def worklist(self, wish: Wish) -> Sequence[Ticket]:
        return self._page([t for t in self.kept.values() if t.state is State.OPEN or t.attention], wish)

    def _page(self, rows: list[Ticket], wish: Wish) -> Sequence[Ticket]:
        later = [t for t in rows if wish.after is None or t.place > wish.after[0]]
        return sorted(later, key=lambda t: t.place)[: wish.size + 1]


@dataclass
class FakeWork:
    district: str
    tickets: FakeTickets = field(default_factory=FakeTickets)
    recorded: list[TicketProgressed] = field(default_factory=list)
    sent: list[tuple[str, ToDistrict]] = field(default_factory=list)

    def record(self, event: TicketProgressed) -> None:
        self.recorded.append(event)

    def send(self, message: ToDistrict, target: str) -> str:
        self.sent.append((target, message))
        return f"{self.district}/{len(self.sent)}"
