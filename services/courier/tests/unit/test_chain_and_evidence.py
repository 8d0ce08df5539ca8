"""The chain binds every entry to all before it, and evidence that was touched is refused with the reason."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from courier.adapters import jose
from courier.domain import evidence, proof
from courier.domain.canonical import canonical
from courier.domain.chain import Entry, Head, Kind, extend, walk
from courier.domain.errors import EvidenceError
from hypothesis import given
from hypothesis import strategies as st

from services.courier.tests.factories import GUSU, HUANGPU, NOW, World

CASE, OTHER = "case/320508-20261123-AAAAAAAA", "case/320508-20261123-BBBBBBBB"


def a_busy_week() -> World:
    world = World()
    world.send(GUSU, HUANGPU, OTHER)
    world.send(GUSU, HUANGPU, CASE)
    world.send(HUANGPU, GUSU, CASE)
    world.send(GUSU, HUANGPU, OTHER)
    world.send(HUANGPU, GUSU, CASE)
    world.send(GUSU, HUANGPU, CASE)
    world.send(HUANGPU, GUSU, OTHER)
    world.canary(GUSU, HUANGPU)
    world.canary(HUANGPU, GUSU)
    return world


def refused(data: bytes, world: World) -> str:
    with pytest.raises(EvidenceError) as error:
        proof.verify(evidence.read(data), world.registry, jose)
    return error.value.code


def changed(data: bytes, district: str, change) -> bytes:
    """The file with one side's part changed by whoever holds the file."""
    value = json.loads(data)
    for part in value["parts"]:
        statement = json.loads(jose.unverified_payload(part["statement"], 1 << 20))
        if statement["district"] == district:
            change(part)
    return canonical(value) + b"\n"


entries = st.lists(st.text(max_size=20), min_size=1, max_size=30)


def chained(subjects: list[str]) -> list[tuple[Entry, Head]]:
    head, rows = Head(), []
    for subject in subjects:
        entry = Entry(seq=head.seq + 1, kind=Kind.SENT, at=NOW, subject=subject)
        head = extend(head, entry)
        rows.append((entry, head))
    return rows


@given(entries, st.data())
def test_changing_any_entry_changes_every_head_from_there_on(subjects, data) -> None:
    rows = chained(subjects)
    at = data.draw(st.integers(0, len(rows) - 1))
    altered = [replace(e, subject=e.subject + "!") if n == at else e for n, (e, _) in enumerate(rows)]
    hashes = walk(Head(), [entry.digest() for entry in altered])
    assert hashes[:at] == [head.hash for _, head in rows][:at]
    assert all(new != head.hash for new, (_, head) in list(zip(hashes, rows, strict=True))[at:])


@given(entries)
def test_walking_the_digests_gives_the_heads_again(subjects) -> None:
    rows = chained(subjects)
    assert walk(Head(), [entry.digest() for entry, _ in rows]) == [head.hash for _, head in rows]


def test_an_entry_cannot_be_added_out_of_turn() -> None:
    with pytest.raises(ValueError, match="cannot follow"):
        extend(Head(), Entry(seq=2, kind=Kind.SENT, at=NOW))


def test_evidence_of_a_whole_case_holds() -> None:
    world = a_busy_week()
    finding = proof.verify(evidence.read(world.file(CASE)), world.registry, jose)
    assert finding.districts == (HUANGPU, GUSU)
    assert finding.records == 8
    assert finding.notes == ()
    assert finding.anchors > 4


def test_evidence_shows_nothing_of_other_cases() -> None:
    world = a_busy_week()
    assert OTHER.encode() not in world.file(CASE)


def test_changing_any_single_byte_is_found() -> None:
    world = a_busy_week()
    data = world.file(CASE)
    for at in range(0, len(data), 97):
        touched = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(EvidenceError):
            proof.verify(evidence.read(touched), world.registry, jose)


def test_a_changed_record_is_refused_as_altered() -> None:
    world = a_busy_week()

    def change(part) -> None:
        part["records"][0]["entry"]["code"] = "courier.forged"

    assert refused(changed(world.file(CASE), GUSU, change), world) == "courier.record_altered"


def test_a_changed_envelope_is_refused_as_altered() -> None:
    world = a_busy_week()

    def change(part) -> None:
        jws = part["records"][0]["signed"]
        part["records"][0]["signed"] = jws[:-6] + ("AAAAAA" if not jws.endswith("AAAAAA") else "BBBBBB")

    assert refused(changed(world.file(CASE), GUSU, change), world) == "courier.record_altered"


def test_a_dropped_record_is_refused_as_missing() -> None:
    world = a_busy_week()
    data = changed(world.file(CASE), HUANGPU, lambda part: part["records"].pop(1))
    assert refused(data, world) == "courier.record_missing"


def test_a_link_taken_out_of_the_chain_is_refused_as_missing() -> None:
    world = a_busy_week()
    data = changed(world.file(CASE), GUSU, lambda part: part["links"].pop(2))
    assert refused(data, world) == "courier.record_missing"


def test_a_cut_tail_is_refused() -> None:
    world = a_busy_week()
    data = changed(world.file(CASE), HUANGPU, lambda part: part["links"].pop())
    assert refused(data, world) == "courier.tail_cut"


def test_a_link_more_than_the_side_signed_is_refused() -> None:
    world = a_busy_week()
    data = changed(world.file(CASE), HUANGPU, lambda p: p["links"].append([p["links"][-1][0] + 1, p["links"][-1][1]]))
    assert refused(data, world) == "courier.chain_broken"


def test_an_owner_who_cuts_the_tail_and_signs_again_is_refused() -> None:
    world = a_busy_week()
    book = world.books[GUSU]
    book.entries = book.entries[:-2]
    book.head = book.entries[-1][2]
    assert refused(world.file(CASE), world) == "courier.tail_cut"


def rewritten(world: World, district: str, change) -> None:
    """The owner writes its whole log anew, and signs the new head."""
    book = world.books[district]
    head, rows = Head(), []
    for old, signed, _ in change(book.entries):
        entry = replace(old, seq=head.seq + 1)
        head = extend(head, entry)
        rows.append((entry, signed, head))
    book.entries, book.head = rows, head


def test_a_chain_rewritten_by_its_owner_is_refused_by_what_the_peer_holds() -> None:
    world = a_busy_week()

    def another_time(entries):
        entry, signed, head = entries[1]
        return [entries[0], (replace(entry, at=NOW.replace(hour=5)), signed, head), *entries[2:]]

    rewritten(world, GUSU, another_time)
    assert refused(world.file(CASE), world) == "courier.chain_rewritten"


def test_an_owner_who_rewrites_another_cases_entry_is_refused_too() -> None:
    world = a_busy_week()

    def another_subject(entries):
        entry, signed, head = entries[3]
        return [*entries[:3], (replace(entry, subject="case/x"), signed, head), *entries[4:]]

    rewritten(world, GUSU, another_subject)
    assert refused(world.file(CASE), world) == "courier.chain_rewritten"


def test_an_owner_who_hides_a_record_behind_its_digest_is_found_by_the_peers_log() -> None:
    world = a_busy_week()
    book = world.books[HUANGPU]
    full = book.part(CASE)
    part = evidence._part(full).part
    hidden = replace(part, records=[record for record in part.records if record.entry.number != 4])
    data = evidence.write(
        CASE, [world.books[GUSU].part(CASE), book.stated(hidden, CASE, Head(1, 1, book.entries[0][2].hash))]
    )
    assert refused(data, world) == "courier.record_missing"


def test_one_side_alone_proves_nothing() -> None:
    world = a_busy_week()
    data = evidence.write(CASE, [world.books[GUSU].part(CASE)])
    assert refused(data, world) == "courier.evidence_incomplete"


def test_a_statement_by_somebody_else_is_refused() -> None:
    world = a_busy_week()
    data = json.loads(world.file(CASE))
    data["parts"][0]["statement"] = data["parts"][0]["statement"][:-4] + "AAAA"
    assert refused(canonical(data) + b"\n", world) == "courier.statement_invalid"


def test_a_receipt_left_out_is_found() -> None:
    world = a_busy_week()
    data = changed(world.file(CASE), GUSU, lambda part: part["receipts"].pop())
    assert refused(data, world) == "courier.content_altered"


def test_a_restored_database_is_noted_and_not_taken_for_a_rewriting() -> None:
    world = a_busy_week()
    book = world.books[GUSU]
    book.entries = book.entries[:2]  # the backup
    book.head = book.entries[-1][2]
    book.add(Kind.EPOCH, None, "", epoch=2)
    book.receipts = book.receipts[:2]
    world._numbers[GUSU], world._places[GUSU, CASE] = 0, 0
    world.send(GUSU, HUANGPU, CASE)
    world.canary(GUSU, HUANGPU)
    finding = proof.verify(evidence.read(world.file(CASE)), world.registry, jose)
    assert any("restored" in note for note in finding.notes)


@pytest.mark.parametrize(
    "data", [b"", b"{}\n", b"[]\n", b'{"format":"tongban-evidence/1"}\n', b"\xff\xfe\n", b"[" * 5000 + b"\n"]
)
def test_what_is_no_file_of_evidence_is_unreadable(data: bytes) -> None:
    with pytest.raises(EvidenceError) as error:
        evidence.read(data)
    assert error.value.code == "courier.evidence_unreadable"


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with pytest.raises(EvidenceError):
        evidence.read(data + b"\n")
