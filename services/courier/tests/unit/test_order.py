"""Within a subject everything is handed on in its order, once; other subjects never wait."""

from __future__ import annotations

import pytest
from courier.domain.order import Line, Place, advance, missing
from courier.domain.retry import pause
from courier.domain.streams import UNKNOWN, Turn, after, turn
from hypothesis import given
from hypothesis import strategies as st


@given(st.permutations(range(1, 13)), st.sets(st.integers(1, 12)))
def test_whatever_the_order_of_arrival_the_order_of_handing_on_is_the_subjects(order, refused) -> None:
    line: Line[int] = Line()
    handed = [item for seq in order for item in line.arrive(1, seq, None if seq in refused else seq)]
    assert handed == [seq for seq in range(1, 13) if seq not in refused]
    assert line.waiting == {}


@given(st.permutations(range(1, 9)))
def test_nothing_is_handed_on_before_what_comes_before_it(order) -> None:
    line: Line[int] = Line()
    arrived: set[int] = set()
    for seq in order:
        arrived.add(seq)
        for item in line.arrive(1, seq, seq):
            assert set(range(1, item + 1)) <= arrived


def test_a_place_is_filled_once() -> None:
    line: Line[str] = Line()
    line.arrive(1, 1, "a")
    line.arrive(1, 3, "c")
    assert line.place(1, 1) is Place.TAKEN
    assert line.place(1, 3) is Place.TAKEN
    with pytest.raises(ValueError, match="taken"):
        line.arrive(1, 3, "again")


def test_a_new_epoch_releases_what_waited_for_numbers_that_are_lost() -> None:
    line: Line[str] = Line()
    assert line.arrive(1, 1, "a") == ["a"]
    assert line.arrive(1, 3, "c") == []
    assert line.arrive(2, 1, "d") == ["c", "d"]
    assert line.arrive(2, 3, "f") == []
    assert line.arrive(1, 2, "straggler") == ["straggler"]
    assert line.arrive(2, 2, "e") == ["e", "f"]


def test_a_new_epoch_may_begin_with_a_later_message() -> None:
    line: Line[str] = Line()
    line.arrive(1, 1, "a")
    assert line.arrive(2, 2, "c") == []
    assert line.arrive(2, 1, "b") == ["b", "c"]


@given(st.sets(st.integers(1, 60)), st.integers(0, 20))
def test_missing_and_there_are_all_there_is(arrived, contiguous) -> None:
    highest = max(arrived, default=0)
    gaps = missing(arrived, contiguous, highest)
    assert set(gaps).isdisjoint(arrived)
    assert set(gaps) | arrived >= set(range(contiguous + 1, highest + 1))


@given(st.sets(st.integers(1, 30)))
def test_the_unbroken_run_ends_at_the_first_gap(arrived) -> None:
    upto = advance(0, arrived)
    assert set(range(1, upto + 1)) <= arrived
    assert upto + 1 not in arrived


@pytest.mark.parametrize(
    ("taken", "seq", "first_epoch", "expected"),
    [
        (None, 1, True, Turn.NEXT),
        (None, 2, True, Turn.EARLY),
        (None, 2, False, Turn.NEXT),
        (3, 4, True, Turn.NEXT),
        (3, 5, True, Turn.EARLY),
        (3, 2, True, Turn.NEXT),
        (UNKNOWN, 9, False, Turn.NEXT),
    ],
)
def test_a_services_count_decides_whose_turn_it_is(taken, seq, first_epoch, expected) -> None:
    assert turn(taken, seq, first_epoch=first_epoch) is expected


def test_a_count_never_goes_back() -> None:
    assert after(5, 3) == 5
    assert after(UNKNOWN, 9) == 9


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_message_is_never_given_up_and_never_waits_longer_than_twelve_minutes(attempts, chance) -> None:
    assert 0 < pause(attempts, chance).total_seconds() <= 720
