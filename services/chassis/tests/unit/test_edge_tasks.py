"""What a web process does beside its requests goes on whatever one round of it does."""

from __future__ import annotations

import asyncio

import pytest
from chassis.edge import again, running
from chassis.errors import Fault, Kind
from structlog.testing import capture_logs

AWAY = Fault("database.unavailable", Kind.UNAVAILABLE, "away")


@pytest.mark.parametrize(
    ("error", "level", "code"), [(AWAY, "warning", "database.unavailable"), (KeyError("a defect"), "error", None)]
)
def test_a_round_that_fails_is_logged_and_the_next_one_comes(error, level, code) -> None:
    rounds, pauses = [], []

    async def work() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise error

    def pause_s() -> float:
        pauses.append(len(rounds))
        return 0

    async def beside() -> None:
        async with running(again(work, pause_s, "it could not be done")):
            while len(rounds) < 3:
                await asyncio.sleep(0)

    with capture_logs() as logs:
        asyncio.run(asyncio.wait_for(beside(), 5))
    assert pauses[:2] == [1, 2]
    (said,) = logs
    assert (said["event"], said["log_level"], said.get("code")) == ("it could not be done", level, code)
