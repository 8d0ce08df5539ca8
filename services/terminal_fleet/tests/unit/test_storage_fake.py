"""The fake keeps the promises of a storage, so that what the use cases show on it holds."""

from __future__ import annotations

import pytest

from ..factories import HUANGPU
from ..fakes import FakeWork
from ..storage_suite import StorageSuite


class TestFake(StorageSuite):
    @pytest.fixture
    def work(self):
        return FakeWork(HUANGPU)
