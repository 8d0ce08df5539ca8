"""Two districts for all tests of the courier with engines; each test uses subjects of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.courier.tests.districts import Pair, running_pair


@pytest.fixture(scope="session")
def engines_of_two() -> Iterator[Pair]:
    with running_pair() as pair:
        yield pair


@pytest.fixture
def pair(engines_of_two: Pair) -> Iterator[Pair]:
    """Both couriers running and quiet, whatever the test before did to them."""
    for side in engines_of_two.sides.values():
        if side.dead or side.changed:
            side.kill()
            side.start()
    yield engines_of_two
