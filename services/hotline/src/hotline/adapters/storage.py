"""The hotline's transaction on PostgreSQL; what people wrote is sealed before it is stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from chassis.once import once
from chassis.outbox import Outbox
from chassis.paging import Wish
from chassis.sealed import FieldCipher
from sqlalchemy import Connection, Row, Select, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from hotline import messages
from hotline.adapters.tables import ticket_entries, tickets
from hotline.domain.events import TicketProgressed, ToDistrict, TransferOffered
from hotline.domain.model import Entry, State, Ticket

#: What an agreement names to allow another district's tickets.
OPENS = "ticket"

_PLAIN = (
    "number", "place", "opened_in", "state", "holder", "opener_subject", "case_number", "opened_at", "turn", "came_from",
    "offered_to", "hand_over_id", "answered_by", "answered_at", "attention", "version",
)  # fmt: skip


class Work:
    """One transaction of the hotline of `district`."""

    def __init__(self, connection: Connection, outbox: Outbox, cipher: FieldCipher, district: str) -> None:
        self.district = district
        self.tickets = Tickets(connection, cipher, district)
        self._connection = connection
        self._outbox = outbox

    def once(self, scope: str, key: str, digest: str, act: Callable[[], Ticket]) -> str:
        """The number of the ticket that `act` returned the first time; the same key acts once."""

        def produce() -> bytes:
            return act().number.encode()

        return once(self._connection, scope=scope, key=key, digest=digest, produce=produce).decode()

    def record(self, event: TicketProgressed) -> None:
        subject = messages.subject_of(event.ticket.number)
        self._outbox.publish(messages.event_to_wire(event), subject=subject, version=event.ticket.version)

    def send(self, message: ToDistrict, target: str) -> str:
        offer = isinstance(message, TransferOffered)
        number = message.ticket.number if isinstance(message, TransferOffered) else message.number
        wire, subject = messages.message_to_wire(message), messages.subject_of(number)
        return str(self._outbox.send(wire, target=target, subject=subject, opens=OPENS if offer else ""))


class Tickets:
    """This district's book of tickets, by number."""

    def __init__(self, connection: Connection, cipher: FieldCipher, district: str) -> None:
        self._connection = connection
        self._cipher = cipher
        self._district = district

    def get(self, number: str) -> Ticket | None:
        found = self._read(select(tickets).where(tickets.c.number == number))
        return found[0] if found else None

    def get_for_change(self, number: str) -> Ticket | None:
        # A lock on the number rather than the row: it also holds for a ticket that is not in the book yet.
        self._connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(number, 0))))
        return self.get(number)

    def save(self, ticket: Ticket) -> None:
        row = self._row(ticket)
        self._connection.execute(insert(tickets).values(row).on_conflict_do_update(index_elements=["number"], set_=row))
        entries = [self._entry_row(ticket.number, position, e) for position, e in enumerate(ticket.timeline, start=1)]
        if entries:  # an entry never changes, so those already there are left
            self._connection.execute(insert(ticket_entries).values(entries).on_conflict_do_nothing())

    def of_opener(self, subject: str, wish: Wish) -> Sequence[Ticket]:
        # Nobody's own are those opened for an unknown caller; an empty subject finds nothing, not those.
        return self._page(
            select(tickets).where(tickets.c.opener_subject == subject, tickets.c.opener_subject != ""), wish
        )

    def worklist(self, wish: Wish) -> Sequence[Ticket]:
        to_do = or_(tickets.c.state == State.OPEN.value, tickets.c.attention != "")
        return self._page(select(tickets).where(to_do), wish)

    def _page(self, query: Select[Any], wish: Wish) -> Sequence[Ticket]:
        if wish.after is not None:
            query = query.where(tickets.c.place > wish.after[0])
        return self._read(query.order_by(tickets.c.place).limit(wish.size + 1))

    def _read(self, query: Select[Any]) -> list[Ticket]:
        rows = self._connection.execute(query).all()
        timelines: dict[str, list[Entry]] = defaultdict(list)
        for entry in (
            self._connection.execute(
                select(ticket_entries)
                .where(ticket_entries.c.number.in_([row.number for row in rows]))
                .order_by(ticket_entries.c.number, ticket_entries.c.position)
            )
            if rows
            else ()
        ):
            timelines[entry.number].append(self._entry(entry))
        return [self._ticket(row, timelines[row.number]) for row in rows]

    def _row(self, ticket: Ticket) -> dict[str, Any]:
        row = {name: getattr(ticket, name) for name in _PLAIN} | {"state": ticket.state.value}
        for name in ("subject_line", "body"):
            row[f"{name}_sealed"] = self._cipher.seal(getattr(ticket, name), _context(ticket.number, name))
        done = ticket.state is State.ANSWERED
        row["answer_sealed"] = self._cipher.seal(ticket.answer, _context(ticket.number, "answer")) if done else None
        return row

    def _ticket(self, row: Row[Any], timeline: list[Entry]) -> Ticket:
        number, opened = row.number, self._cipher.open
        values = {name: getattr(row, name) for name in _PLAIN} | {"state": State(row.state)}
        return Ticket(
            **values,
            district=self._district,
            subject_line=opened(row.subject_line_sealed, _context(number, "subject_line")),
            body=opened(row.body_sealed, _context(number, "body")),
            answer="" if row.answer_sealed is None else opened(row.answer_sealed, _context(number, "answer")),
            timeline=tuple(timeline),
        )

    def _entry_row(self, number: str, position: int, entry: Entry) -> dict[str, Any]:
        note = self._cipher.seal(entry.note, _context(number, f"entry {position}"))
        row = {"number": number, "position": position, "version": entry.version, "at": entry.at}
        return row | {"district": entry.district, "event": entry.event, "note_sealed": note}

    def _entry(self, row: Row[Any]) -> Entry:
        note = self._cipher.open(row.note_sealed, _context(row.number, f"entry {row.position}"))
        return Entry(row.at, row.district, row.event, note, row.version)


def _context(number: str, field: str) -> str:
    return f"tickets/{number}/{field}"
