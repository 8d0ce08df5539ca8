"""The contracts in proto/: well formed, in step with the generated package, and readable by the previous release."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tongban_local.checkout import ROOT

BUF = Path(sys.prefix, "bin", "buf")
BASELINE = "baseline.json"


def buf(*argv: str | Path, folder: Path = ROOT / "proto") -> subprocess.CompletedProcess[str]:
    return subprocess.run([BUF, *argv], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def contracts(tmp_path: Path) -> Path:
    """A copy of proto/ with nothing around it: no history, as in a shallow clone."""
    return Path(shutil.copytree(ROOT / "proto", tmp_path / "proto", ignore=shutil.ignore_patterns("python")))


def test_the_contracts_hold_to_the_agreed_rules() -> None:
    linted = buf("lint", ".")
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_the_generated_package_is_what_the_contracts_make() -> None:
    environ = {**os.environ, "PYTHON": sys.executable}
    checked = subprocess.run(
        ["proto/generate.sh", "--check"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_previous_release_can_read_what_this_one_writes(contracts: Path) -> None:
    compared = buf("breaking", ".", "--against", BASELINE, folder=contracts)
    assert compared.returncode == 0, compared.stdout + compared.stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("string number = 1;", "string number = 99;", id="a field that got another number"),
        pytest.param("rpc SubmitCase", "rpc SendCase", id="a method that went away"),
        pytest.param("message CaseProgressed {", "message CaseMoved {", id="an event that went away"),
        pytest.param("string number = 1;", "bytes number = 1;", id="a field that got another type"),
        pytest.param("CASE_STATE_GRANTED", "CASE_STATE_ALLOWED", id="a word of an enum that is another in JSON"),
    ],
)
def test_a_change_that_the_previous_release_cannot_read_is_found(contracts: Path, before: str, after: str) -> None:
    contract = contracts / "tongban" / "case_routing" / "v1" / "case_routing.proto"
    text = contract.read_text()
    assert before in text
    contract.write_text(text.replace(before, after))
    compared = buf("breaking", ".", "--against", BASELINE, folder=contracts)
    assert compared.returncode != 0
    assert "case_routing.proto" in compared.stdout
