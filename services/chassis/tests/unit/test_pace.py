"""Under load batches keep a distance; what comes alone is not kept waiting."""

from __future__ import annotations

import pytest
from chassis import pace


@pytest.fixture
def slept(monkeypatch) -> list[float]:
    """How long was slept, in order; a clock that only sleeping moves."""
    naps: list[float] = []
    monkeypatch.setattr(pace.time, "monotonic", lambda: 100.0 + sum(naps))
    monkeypatch.setattr(pace.eventlet, "sleep", naps.append)
    return naps


def test_the_first_batch_begins_at_once(slept: list[float]) -> None:
    pace.Pace(0.1).wait()
    assert slept == []


def test_a_batch_that_follows_another_keeps_its_distance(slept: list[float]) -> None:
    paced = pace.Pace(0.1)
    paced.begin()
    slept.append(0.03)  # the batch itself
    paced.wait()
    assert slept[1:] == [pytest.approx(0.07)]


def test_after_a_pause_nobody_waits(slept: list[float]) -> None:
    paced = pace.Pace(0.1)
    paced.begin()
    slept.append(0.5)
    paced.wait()
    assert slept[1:] == []
