"""Numbers say district and day, and nothing that can be guessed."""

from __future__ import annotations

from datetime import UTC, datetime

from case_routing.adapters.numbers import BASE32, RandomNumbers
from case_routing.domain.model import intake_of, is_number


def test_a_case_number_is_its_intake_district_the_day_in_shanghai_and_forty_random_bits():
    late_in_utc = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)
    number = RandomNumbers().case_number("320508", late_in_utc)
    assert number.startswith("320508-20261124-")
    assert len(number.rpartition("-")[2]) == 8
    assert set(number.rpartition("-")[2]) <= set(BASE32)
    assert is_number(number)
    assert intake_of(number) == "320508"


def test_two_numbers_of_one_moment_differ():
    now = datetime(2026, 11, 23, tzinfo=UTC)
    assert len({RandomNumbers().case_number("320508", now) for _ in range(100)}) == 100


def test_a_document_number_is_not_a_case_number_of_the_same_random_part():
    numbers = RandomNumbers(choose=lambda letters: letters[0])
    now = datetime(2026, 11, 23, tzinfo=UTC)
    assert numbers.case_number("320508", now) != numbers.document_number("320508", now)
