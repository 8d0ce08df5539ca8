"""A row says whether it reached its aim, and one that saw less than it says it measured has not."""

from __future__ import annotations

import pytest
from rich.console import Console

from tests.bench.record import table
from tests.bench.rows import Aim, Row, row, shortfall

AT_LEAST_TWICE = Aim(to_peer=2.0)


def a_row(ours: float, lacks: str = "") -> Row:
    return row("some_row", {"ours": [ours, ours], "peer": [10.0, 10.0]}, "calls/s", AT_LEAST_TWICE, lacks=lacks)


def shown(one: Row) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(table([one]))
    return captured.get()


@pytest.mark.parametrize(("ours", "met"), [(20.0, True), (19.9, False)])
def test_an_aim_is_met_or_missed_by_the_ratio(ours, met) -> None:
    one = a_row(ours)
    assert (one.aim_met, one.as_json()["details"]["aim_met"]) == (met, met)
    assert ("missed" in shown(one)) != met


def test_a_row_that_saw_fewer_than_it_says_has_not_met_its_aim_and_says_what_it_lacks() -> None:
    one = a_row(30.0, shortfall(250, 1000, "switches"))
    assert not one.as_json()["details"]["aim_met"]
    assert one.as_json()["details"]["lacks"] == "250 of 1,000 switches"
    assert "only 250 of 1,000 switches" in shown(one)
    assert shortfall(1000, 1000, "switches") == ""
