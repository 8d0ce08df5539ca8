"""Rows say what they prove, and the page says which rows there are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.faults.__main__ import FAULTS, is_good
from tests.faults.builds.putting import put
from tests.faults.compare import Verdict
from tests.faults.row import LEAST_TRIALS, Case, Fault, Ledger, keep
from tests.faults.trial import NotCarriedOut, Result, Trial

FOLDER = Path(__file__).parents[1]


def never(trial: Trial) -> Result:
    raise AssertionError("a row runs nothing by itself")


FAULT = Fault("some_fault", "ticket", {"": Case(never, "its protection")}, "What was harmed.")


def result(**counts: int) -> Result:
    return Result(Verdict(attempted=50, acked=50, **counts), 0.5, 1.0, 2.0)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path, FAULT, resume=False)


def test_the_page_lists_every_row_and_no_other() -> None:
    rows = (FOLDER / "README.md").read_text().partition("## The rows")[2].partition("\n## ")[0]
    assert re.findall(r"^\| (\w+) \|", rows, re.M)[1:] == list(FAULTS)


def test_a_row_whose_control_shows_nothing_is_void(ledger: Ledger) -> None:
    for _ in range(LEAST_TRIALS):
        ledger.add("", result(), control=False)
    ledger.add("", result(), control=True)
    assert "VOID" in ledger.row()["note"]
    assert not is_good(ledger.row())


def test_a_row_with_too_few_trials_says_so(ledger: Ledger) -> None:
    ledger.add("", result(), control=False)
    ledger.add("", result(lost=1), control=True)
    assert "NOT ENOUGH TRIALS" in ledger.row(1)["note"]
    assert not is_good(ledger.row(1))


def test_a_row_with_a_trial_that_came_to_no_result_is_not_good_and_says_why(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, FAULT, resume=False)
    for _ in range(LEAST_TRIALS):
        ledger.add("", result(), control=False)
    ledger.add("", result(lost=1), control=True)
    assert is_good(ledger.row())
    ledger.abandon("", "some_fault: trial 3 of 20: NotReady: identity")
    assert not is_good(Ledger(tmp_path, FAULT, resume=True).row())
    assert "ABANDONED 1" in ledger.row()["note"]
    assert "NotReady: identity" in ledger.row()["note"]


def test_a_fault_with_too_little_under_way_is_no_trial() -> None:
    journal = SimpleNamespace(wait_acked=lambda count: False)
    trial = Trial(SimpleNamespace(rig=None), 0, False, journal, SimpleNamespace())
    with pytest.raises(NotCarriedOut, match="fewer than 12"):
        trial.in_the_middle()
    Trial(SimpleNamespace(rig=None), 0, True, journal, SimpleNamespace()).in_the_middle()


@pytest.mark.parametrize("count", ["lost", "dup", "unexpected", "silent"])
def test_one_bad_attempt_of_one_trial_makes_a_row_bad(ledger: Ledger, count: str) -> None:
    for n in range(LEAST_TRIALS):
        ledger.add("", result(**{count: int(n == 7)}), control=False)
    ledger.add("", result(dup=3), control=True)
    assert ledger.row()[count] == 1
    assert not is_good(ledger.row())


def test_a_control_adds_nothing_to_what_was_found(ledger: Ledger) -> None:
    for _ in range(LEAST_TRIALS):
        ledger.add("", result(), control=False)
    ledger.add("", result(lost=9), control=True)
    row = ledger.row()
    assert (row["lost"], row["control"]["lost"], row["trials"]) == (0, 9, LEAST_TRIALS)
    assert f"below 3/{LEAST_TRIALS}" in row["note"]
    assert is_good(row)


def test_a_run_goes_on_with_the_trials_that_are_kept(ledger: Ledger, tmp_path: Path) -> None:
    ledger.add("", result(), control=False)
    assert Ledger(tmp_path, FAULT, resume=True).row()["trials"] == 1
    assert Ledger(tmp_path, FAULT, resume=False).row()["trials"] == 0


def test_rows_of_other_faults_stay_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    for row in ({"id": "one", "trials": 1}, {"id": "two", "trials": 1}, {"id": "one", "trials": 2}):
        keep(row, file)
    assert json.loads(file.read_text()) == [{"id": "one", "trials": 2}, {"id": "two", "trials": 1}]


def test_a_build_that_has_nothing_to_take_away_fails() -> None:
    owner = SimpleNamespace(__name__="owner", check=lambda: True)
    put(owner, check=lambda: False)
    assert not owner.check()
    with pytest.raises(AssertionError, match="removes nothing"):
        put(owner, verify=lambda: False)
