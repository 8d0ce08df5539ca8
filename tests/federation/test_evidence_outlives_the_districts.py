"""A case's evidence is verified by a separate program with nothing of the districts running, and no altered copy holds."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.federation.conftest import GUSU, HUANGPU, application
from tests.federation.test_a_case_crosses import arrived, closed


def tongban(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tongban_cli", *argv], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture(scope="module")
def exported(environment, person, foreign_item, tmp_path_factory):
    """The evidence of a case that went over and came back, exported while the districts ran; now they do not."""
    number = person(GUSU, "citizen").post("/v1/cases", application(foreign_item))["number"]
    clerk = arrived(person, number)
    clerk.post(f"/v1/cases/{number}/accept")
    clerk.post(f"/v1/cases/{number}/grant", {"reasons": ""})
    closed(person, number)
    file = tmp_path_factory.mktemp("evidence") / "case.json"
    done = tongban("--env", str(environment.folder), "courier", "export", number, "--out", str(file))
    assert done.returncode == 0, done.stderr
    for code in (GUSU, HUANGPU):
        environment.stop_district(code)
    yield file
    for code in (GUSU, HUANGPU):
        environment.start_district(code)


@pytest.fixture
def verify(environment, tmp_path):
    """`verify(bytes)`: the program's exit status and what it says."""

    def run(data: bytes):
        file = tmp_path / "evidence.json"
        file.write_bytes(data)
        trust = environment.trust
        done = tongban(
            "courier",
            "verify",
            str(file),
            "--registry",
            str(trust.registry),
            "--root",
            str(trust.root_public),
            "--json",
        )
        return done.returncode, json.loads(done.stdout) if done.stdout else {"code": done.stderr}

    return run


def records(evidence):
    """Every list of records in the file, wherever it stands."""
    for part in evidence["parts"]:
        yield part["records"]


def test_untouched_evidence_holds_with_every_broker_and_database_stopped(exported, verify) -> None:
    status, said = verify(exported.read_bytes())
    assert (status, said["holds"]) == (0, True)
    assert said["receipts"] > 0
    assert set(said["districts"]) == {GUSU, HUANGPU}


def test_one_changed_byte_anywhere_in_a_record_is_found(exported, verify) -> None:
    data = exported.read_bytes()
    start = data.index(b'"records"')
    for at in range(start + 40, len(data) - 2, max(1, (len(data) - start) // 12)):
        altered = bytearray(data)
        altered[at] = ord("A") if altered[at] != ord("A") else ord("B")
        status, said = verify(bytes(altered))
        assert status in (1, 2), f"byte {at} was changed unseen"
        assert said["code"]


def test_a_dropped_record_is_found(exported, verify) -> None:
    evidence = json.loads(exported.read_bytes())
    for rows in records(evidence):
        for index in range(len(rows)):
            kept = rows.pop(index)
            status, said = verify(
                json.dumps(evidence, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
            )
            assert status == 1, f"record {index} was dropped unseen"
            assert said["code"]
            rows.insert(index, kept)


def test_a_cut_tail_is_found(exported, verify) -> None:
    evidence = json.loads(exported.read_bytes())
    for rows in records(evidence):
        kept = rows[:]
        del rows[len(rows) // 2 :]
        status, said = verify(json.dumps(evidence, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode())
        assert status == 1
        assert said["code"]
        rows[:] = kept
