"""One district with every process real, for the tests that need it whole; those of rights start engines only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tongban_local.environment import Environment
from tongban_local.installation import Installation

from tests.support.environments import running_environment

GUSU = "320508"


@pytest.fixture(scope="session")
def environment() -> Iterator[Environment]:
    with running_environment([GUSU]) as running:
        yield running


@pytest.fixture(scope="session")
def gusu(environment: Environment) -> Installation:
    return environment[GUSU]
