"""What the tests of a module share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.support.engines import Engines

from .district import Ground


@pytest.fixture(scope="module")
def ground(engines: Engines) -> Iterator[Ground]:
    made = Ground.of(engines)
    yield made
    shutil.rmtree(made.folder, ignore_errors=True)
