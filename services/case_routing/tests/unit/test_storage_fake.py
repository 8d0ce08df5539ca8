"""The fake keeps the promises of a storage, so that what the use cases show on it holds."""

from __future__ import annotations

import pytest

from ..fakes import FakeAgreements, FakeCases, FakeWork
from ..storage_suite import StorageSuite


class TestFake(StorageSuite):
    @pytest.fixture
    def storage(self):
        kept: dict = {}
        agreed: list = []
        return lambda here: FakeWork(FakeCases(here, kept), FakeAgreements(here, agreed))
