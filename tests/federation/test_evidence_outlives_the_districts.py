"""A case's evidence is verified by a separate program with nothing of the districts running, and no altered copy holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from courier import keys
from courier.adapters import jose
from courier.domain import evidence
from courier.domain.chain import Head, walk
from courier.domain.evidence import Part, SignedPart, Statement

from tests.federation.conftest import GUSU, HUANGPU, application, tongban
from tests.federation.test_a_case_crosses import arrived, closed

SIDES = (GUSU, HUANGPU)


@pytest.fixture(scope="module")
def exported(environment, person, foreign_item, tmp_path_factory) -> Iterator[bytes]:
    """The evidence of a case that went over and came back, exported while the districts ran; now they do not."""
    number = person(GUSU, "citizen").post("/v1/cases", application(foreign_item))["number"]
    clerk = arrived(person, number)
    clerk.post(f"/v1/cases/{number}/accept")
    clerk.post(f"/v1/cases/{number}/grant", {"reasons": ""})
    closed(person, number)
    file = tmp_path_factory.mktemp("evidence") / "case.json"
    done = tongban("--env", str(environment.folder), "courier", "export", number, "--out", str(file))
    assert done.returncode == 0, done.stderr
    for code in SIDES:
        environment.stop_district(code)
    yield file.read_bytes()
    for code in SIDES:
        environment.start_district(code)


@pytest.fixture
def verify(environment, tmp_path):
    """`verify(bytes)`: the program's exit status and what it says."""

    def run(data: bytes) -> tuple[int, dict[str, Any]]:
        file, trust = tmp_path / "evidence.json", environment.trust
        file.write_bytes(data)
        registry = ("--registry", str(trust.registry), "--root", str(trust.root_public))
        done = tongban("courier", "verify", str(file), *registry, "--json")
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    return run


def changed(data: bytes, code: str, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The file with one side's part changed by whoever holds the file, and written as such a file is."""
    found = json.loads(data)
    change(found["parts"][[statement.district for statement in statements(data)].index(code)])
    return evidence.write(found["subject"], found["parts"])


def statements(data: bytes) -> list[Statement]:
    return [Statement.decode(jose.unverified_payload(one.statement)) for one in evidence.read(data).parts]


@pytest.fixture
def signed_again(environment):
    """`signed_again(bytes, code, change)`: the file after the district itself changed its part and signed it with its own key."""

    def sign(data: bytes, code: str, change: Callable[[Part], Part]) -> bytes:
        at = [statement.district for statement in statements(data)].index(code)
        old, part = statements(data)[at], change(evidence.read(data).parts[at].part)
        hashes = walk(old.before, [link for _, link in part.links])
        head = Head(old.head.epoch, part.links[-1][0], hashes[-1])
        made = evidence.statement_of(part, district=code, subject=old.subject, at=old.at, before=old.before, head=head)
        key = keys.read_district_keys(environment[code].courier_keys)[0]
        found = json.loads(data)
        signed = SignedPart(jose.sign(made.encode(), key, key["kid"], "EdDSA"), part)
        found["parts"][at] = evidence.write_part(signed)
        return evidence.write(found["subject"], found["parts"])

    return sign


def test_untouched_evidence_holds_with_every_broker_and_database_stopped(exported, verify) -> None:
    status, said = verify(exported)
    assert (status, said["holds"]) == (0, True)
    assert said["receipts"] > 0
    assert set(said["districts"]) == set(SIDES)


@pytest.mark.parametrize("code", SIDES)
def test_a_part_that_its_district_only_signs_again_holds_too(exported, verify, signed_again, code) -> None:
    """Else the tests below would prove nothing about what was changed before signing."""
    assert verify(signed_again(exported, code, lambda part: part))[1]["holds"] is True


#: field of a record's entry → another value that could stand there.
OTHERWISE: dict[str, Callable[[Any], Any]] = {
    "seq": lambda value: value + 1,
    "kind": lambda value: "accepted" if value == "sent" else "sent",
    "at": lambda value: value[:-2] + ("0" if value[-2] != "0" else "1") + value[-1],
    "peer": lambda value: "330102",
    "lane": lambda value: "ask" if value == "main" else "main",
    "epoch": lambda value: value + 1,
    "number": lambda value: value + 1,
    "id": lambda value: value[:-1] + ("0" if value[-1] != "0" else "1"),
    "subject": lambda value: value[:-1] + ("A" if value[-1] != "A" else "B"),
    "subject_seq": lambda value: value + 1,
    "signed": lambda value: value[:-1] + ("0" if value[-1] != "0" else "1"),
    "code": lambda value: value + "courier.forged",
}


@pytest.mark.parametrize("code", SIDES)
def test_a_record_with_any_field_changed_is_found(exported, verify, code) -> None:
    for number, (field, otherwise) in enumerate(OTHERWISE.items()):

        def change(part: dict[str, Any], number=number, field=field, otherwise=otherwise) -> None:
            entry = part["records"][number % len(part["records"])]["entry"]
            before, entry[field] = entry[field], otherwise(entry[field])
            assert entry[field] != before

        status, said = verify(changed(exported, code, change))
        assert (status, said["code"]) == (1, "courier.record_altered"), field


@pytest.mark.parametrize("code", SIDES)
@pytest.mark.parametrize("where", ["records", "receipts", "anchors"])
def test_a_changed_signature_is_found(exported, verify, code, where) -> None:
    """One letter of an envelope, a receipt, an anchor, in the middle of its content."""

    def change(part: dict[str, Any]) -> None:
        place, key = (part[where][0], "signed") if where == "records" else (part[where], 0)
        middle = len(place[key]) // 2
        other = "A" if place[key][middle] != "A" else "B"
        place[key] = place[key][:middle] + other + place[key][middle + 1 :]

    if not json.loads(exported)["parts"][0][where]:
        pytest.fail("there is none to change")
    status, said = verify(changed(exported, code, change))
    assert (status, said["code"]) == (1, "courier.record_altered")


@pytest.mark.parametrize("code", SIDES)
def test_any_dropped_record_is_found(exported, verify, code) -> None:
    count = statements(exported)[[one.district for one in statements(exported)].index(code)].records
    assert count >= 2
    for index in range(count):
        status, said = verify(changed(exported, code, lambda part, index=index: part["records"].pop(index)))
        assert (status, said["code"]) == (1, "courier.record_missing"), index


@pytest.mark.parametrize("code", SIDES)
def test_a_record_that_its_own_district_hides_is_missed_by_the_peers_log(exported, verify, signed_again, code) -> None:
    hidden = signed_again(exported, code, lambda part: replace(part, records=part.records[:-1]))
    status, said = verify(hidden)
    assert (status, said["code"]) == (1, "courier.record_missing")


@pytest.mark.parametrize("code", SIDES)
def test_a_chain_whose_tail_is_cut_is_found(exported, verify, code) -> None:
    status, said = verify(changed(exported, code, lambda part: part["links"].pop()))
    assert (status, said["code"]) == (1, "courier.tail_cut")


@pytest.mark.parametrize("code", SIDES)
def test_a_chain_whose_own_district_cuts_its_tail_is_found_by_what_the_peer_holds(
    exported, verify, signed_again, code
) -> None:
    def cut(part: Part) -> Part:
        links = part.links[: len(part.links) // 2]
        return replace(part, links=links, records=[one for one in part.records if one.entry.seq <= links[-1][0]])

    status, said = verify(signed_again(exported, code, cut))
    assert (status, said["code"]) == (1, "courier.tail_cut")


@pytest.mark.parametrize("code", SIDES)
def test_a_chain_rewritten_by_its_own_district_is_found_by_what_the_peer_holds(
    exported, verify, signed_again, code
) -> None:
    def rewrite(part: Part) -> Part:
        first, *rest = part.records
        entry = replace(first.entry, at=first.entry.at - timedelta(days=1))
        links = [(seq, entry.digest() if seq == entry.seq else link) for seq, link in part.links]
        return replace(part, links=links, records=[replace(first, entry=entry), *rest])

    status, said = verify(signed_again(exported, code, rewrite))
    assert (status, said["code"]) == (1, "courier.chain_rewritten")


@pytest.mark.parametrize("code", SIDES)
def test_a_receipt_left_out_is_found(exported, verify, code) -> None:
    status, said = verify(changed(exported, code, lambda part: part["receipts"].pop()))
    assert (status, said["code"]) == (1, "courier.content_altered")


def test_one_side_alone_and_a_file_written_otherwise_are_refused(exported, verify) -> None:
    found = json.loads(exported)
    alone = evidence.write(found["subject"], found["parts"][:1])
    assert verify(alone)[1]["code"] == "courier.evidence_incomplete"
    assert verify(json.dumps(found).encode() + b"\n")[1]["code"] == "courier.evidence_unreadable"
    other = changed(exported, GUSU, lambda part: part.update(statement=part["statement"][:-4] + "AAAA"))
    assert verify(other)[1]["code"] == "courier.statement_invalid"
