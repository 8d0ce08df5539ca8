"""The fake keeps the promises of the real storage, so that it cannot lie."""

import pytest

from ..fakes import FakeWork
from ..storage_suite import StorageSuite


class TestFake(StorageSuite):
    @pytest.fixture
    def work(self):
        return FakeWork()
