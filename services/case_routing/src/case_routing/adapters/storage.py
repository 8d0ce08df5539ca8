"""Cases on PostgreSQL: one transaction, its cases, and what it has to tell."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from chassis.database import later
from chassis.outbox import Outbox
from chassis.paging import Wish
from chassis.sealed import FieldCipher
from chassis.telemetry import current_trace_id, span, trace_id_of
from sqlalchemy import Connection, Insert, Table, bindparam, insert, select, tuple_, update

from case_routing import messages
from case_routing.adapters import rows
from case_routing.adapters.dossiers import case_row, locked_row, rows_of
from case_routing.adapters.signed_copy import kept_copy
from case_routing.adapters.tables import agreements, cases, custody, early, history, materials, traces, turns
from case_routing.domain.agreements import Agreement
from case_routing.domain.events import Arrived, Event, Letter, Offered, Progressed
from case_routing.domain.letters import Dossier
from case_routing.domain.model import Answer, Case, Material, Purpose, Reader

#: Bursts that a new one is linked to: the latest ones say enough.
LINKED_BURSTS = 3

_ADD: dict[Table, Insert] = {
    table: insert(table) for table in (cases, history, materials, custody, traces, turns, early)
}
_CHANGE = update(cases).where(cases.c.number == bindparam("_number"))
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


class Work:
    """One transaction of the cases of district `here`."""

    def __init__(self, connection: Connection, outbox: Outbox, cipher: FieldCipher, here: str) -> None:
        self.connection = connection
        self.cases = Cases(connection, cipher, here)
        self.agreements = Agreements(connection, here)
        self._outbox = outbox

    def record(self, event: Event) -> None:
        number = event.case.number if isinstance(event, Progressed) else event.letter.number
        subject = messages.SUBJECT + number
        if isinstance(event, Progressed):
            self._outbox.publish(messages.progressed(event), subject=subject, version=event.case.version)
            return
        letter = self._with_contents(event.letter)
        opens = letter.file.item.code if isinstance(letter, Offered) and letter.purpose is Purpose.HANDLE else ""
        # Everything after the first offer follows the agreement that it was opened under.
        sent = self._outbox.send(
            messages.letter_to_wire(letter),
            target=event.to,
            subject=subject,
            opens=opens,
            answers_to=event.answers_to,
        )
        if isinstance(letter, Offered):
            self.cases.note_offer(number, str(sent))

    def burst(self, case: Case) -> AbstractContextManager[object]:
        here = current_trace_id()
        earlier = [each.trace for each in case.traces if trace_id_of(each.trace) != here]
        return span(
            "work case_routing.case",
            attributes={"tongban.case_number": case.number},
            links=earlier[-LINKED_BURSTS:],
        )

    def _with_contents(self, letter: Letter) -> Letter:
        if not isinstance(letter, Offered) or letter.purpose is not Purpose.HANDLE:
            return letter
        return replace(letter, file=replace(letter.file, materials=self.cases.with_contents(letter.file)))


class Cases:
    """Copies of cases, by number."""

    def __init__(self, connection: Connection, cipher: FieldCipher, here: str) -> None:
        self._connection = connection
        self._cipher = cipher
        self._here = here
        self._loaded: dict[str, Dossier] = {}

    def lock(self, number: str) -> Dossier:
        # A lock on the number also holds where there is no row yet; the row's own lock keeps out whoever goes by rows.
        with later(self._connection):
            self._connection.exec_driver_sql(_LOCK, (number,))
        row, beside = locked_row(self._connection, number)
        dossier = Dossier(
            self._here,
            number,
            self._case(row),
            tuple((each.turn, Answer(each.answer)) for each in rows_of(beside.case_turn, turns)),
            tuple(
                Arrived(self._letter(each), each.sender, each.id) for each in rows_of(beside.case_early_letter, early)
            ),
        )
        self._loaded[number] = dossier
        return dossier

    def get(self, number: str) -> Case | None:
        return self._case(case_row(self._connection, number))

    def content(self, number: str, key: str) -> bytes | None:
        query = select(materials.c.content_sealed).where(materials.c.number == number, materials.c.key == key)
        return self._content(number, key, self._connection.execute(query).scalar())

    def save(self, dossier: Dossier) -> None:
        before = self._loaded.get(dossier.number) or Dossier(dossier.here, dossier.number)
        new = dossier.answers[len(before.answers) :]
        with later(self._connection):
            if dossier.case is not None and dossier.case is not before.case:
                self._save_case(before.case, dossier.case)
            self._add(turns, [{"number": dossier.number, "turn": turn, "answer": answer.value} for turn, answer in new])
            self._save_early(before, dossier)
        self._loaded[dossier.number] = dossier

    def mine(self, reader: Reader, wish: Wish) -> Sequence[Case]:
        query = select(cases).where(cases.c.applicant_subject == reader.subject)
        if reader.item_codes:
            query = query.where(cases.c.item_code.in_(reader.item_codes))
        place = tuple_(cases.c.submitted_at, cases.c.number)
        if wish.after is not None:
            query = query.where(place < wish.after)
        query = query.order_by(cases.c.submitted_at.desc(), cases.c.number.desc()).limit(wish.size + 1)
        return [rows.case_of(row, self._cipher, self._here) for row in self._connection.execute(query)]

    def worklist(self, wish: Wish) -> Sequence[Case]:
        query = select(cases).where(cases.c.due_act != "")
        if wish.after is not None:
            query = query.where(tuple_(cases.c.submitted_at, cases.c.number) > wish.after)
        query = query.order_by(cases.c.submitted_at, cases.c.number).limit(wish.size + 1)
        return [rows.case_of(row, self._cipher, self._here) for row in self._connection.execute(query)]

    def note_offer(self, number: str, message_id: str) -> None:
        """Which courier message carries the open offer: the link may refuse that one, not an earlier one."""
        with later(self._connection):
            self._connection.execute(_CHANGE, {"_number": number, "offer_id": message_id})

    def with_contents(self, case: Case) -> tuple[Material, ...]:
        """The case's materials with their contents, from the store where they are not at hand."""
        if all(material.content is not None for material in case.materials):
            return case.materials
        query = select(materials.c.key, materials.c.content_sealed).where(materials.c.number == case.number)
        sealed = {row.key: row.content_sealed for row in self._connection.execute(query)}
        return tuple(
            replace(each, content=self._content(case.number, each.key, sealed[each.key])) for each in case.materials
        )

    def _case(self, row) -> Case | None:
        if row is None:
            return None
        return replace(
            rows.case_of(row, self._cipher, self._here),
            history=tuple(
                sorted(map(rows.entry_of, rows_of(row.case_history, history)), key=lambda entry: entry.place)
            ),
            materials=tuple(rows.material_of(each, self._cipher) for each in rows_of(row.case_material, materials)),
            custody=tuple(map(rows.movement_of, rows_of(row.case_custody, custody))),
            traces=tuple(map(rows.trace_of, rows_of(row.case_trace, traces))),
        )

    def _save_case(self, before: Case | None, case: Case) -> None:
        values = rows.case_columns(case, self._cipher)
        if before is None:
            self._connection.execute(_ADD[cases], values)
            self._add(
                materials,
                [rows.material_columns(case.number, i, m, self._cipher) for i, m in enumerate(case.materials)],
            )
        else:
            self._connection.execute(_CHANGE, {"_number": case.number, **values})
        known = {entry.key for entry in before.history} if before else set()
        self._add(history, [rows.entry_columns(case.number, e) for e in case.history if e.key not in known])
        moved = len(before.custody) if before else 0
        self._add(custody, [rows.movement_columns(case.number, each) for each in case.custody[moved:]])
        traced = len(before.traces) if before else 0
        self._add(traces, [rows.trace_columns(case.number, i, t) for i, t in enumerate(case.traces)][traced:])

    def _save_early(self, before: Dossier, dossier: Dossier) -> None:
        if before.early and not dossier.early:
            self._connection.execute(early.delete().where(early.c.number == dossier.number))
        for position, arrived in list(enumerate(dossier.early))[len(before.early) :]:
            kind, body = messages.pack(arrived.letter)
            sealed = self._cipher.seal(b64encode(body).decode(), f"case_early_letter/{dossier.number}/{position}")
            row = {"number": dossier.number, "position": position, "id": arrived.id, "sender": arrived.sender}
            self._add(early, [{**row, "type": kind, "letter_sealed": sealed}])

    def _add(self, table, new: list[dict]) -> None:
        if new:
            self._connection.execute(_ADD[table], new)

    def _letter(self, row):
        body = b64decode(self._cipher.open(row.letter_sealed, f"case_early_letter/{row.number}/{row.position}"))
        return messages.unpack(row.type, body, self._here)

    def _content(self, number: str, key: str, sealed: bytes | None) -> bytes | None:
        return rows.open_content(number, key, sealed, self._cipher)


class Agreements:
    """Signed copies of agreements, by parties and version."""

    def __init__(self, connection: Connection, here: str) -> None:
        self._connection = connection
        self._here = here

    def of(self, peer: str) -> Sequence[Agreement]:
        one, other = sorted((self._here, peer))
        query = select(agreements.c.document).where(agreements.c.one == one, agreements.c.other == other)
        return [kept_copy(text) for text in self._connection.execute(query).scalars()]

    def text(self, made: Agreement) -> str | None:
        one, other = made.parties
        columns = agreements.c
        query = select(columns.document).where(
            columns.one == one, columns.other == other, columns.version == made.version
        )
        return self._connection.execute(query).scalar()

    def add(self, made: Agreement, text: str) -> None:
        one, other = made.parties
        self._connection.execute(insert(agreements).values(one=one, other=other, version=made.version, document=text))
