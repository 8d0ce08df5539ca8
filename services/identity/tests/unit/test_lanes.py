"""Guessing gets slower and nobody is locked out."""

from __future__ import annotations

import asyncio

import pytest
from chassis.errors import Fault
from identity.http import lanes
from identity.http.lanes import Lanes, delay_after


def test_a_failure_occupies_its_place_a_little_longer_than_the_one_before_up_to_two_seconds() -> None:
    delays = [delay_after(failures) for failures in range(400)]
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (0.05, 2.0)
    assert delays[200] > 0.5


def verify(lane_of: Lanes, right: bool, *, name="citizen", address="192.0.2.1"):
    return lane_of.verify(name, address, lambda: right)


def test_two_hundred_guesses_at_once_are_slowed_and_the_right_password_still_works(monkeypatch) -> None:
    monkeypatch.setattr(lanes, "FIRST_DELAY_S", 0.005)  # the shape, a tenth as long

    async def flood() -> tuple[list[bool], float]:
        here, loop = Lanes(2), asyncio.get_running_loop()
        guesses = [asyncio.create_task(verify(here, False)) for _ in range(200)]
        while sum(guess.done() for guess in guesses) < 160:
            await asyncio.sleep(0.005)
        began = loop.time()
        assert await verify(here, True, address="192.0.2.2")
        elsewhere = loop.time() - began
        assert await asyncio.wait_for(verify(here, True), 20), "in the midst of them"
        guessed = await asyncio.gather(*guesses)
        assert await asyncio.wait_for(verify(here, True), 20), "after them"
        return guessed, elsewhere

    guessed, elsewhere = asyncio.run(flood())
    assert not any(guessed)
    assert elsewhere < 1.0, "somebody at another address waited for the flood"


def test_at_most_four_attempts_at_one_name_from_one_address_run_at_once_and_few_over_all() -> None:
    running, most = 0, 0

    def check() -> bool:
        nonlocal running, most
        running += 1
        most = max(most, running)
        __import__("time").sleep(0.01)
        running -= 1
        return True

    async def many() -> None:
        here = Lanes(2)
        await asyncio.gather(*(here.verify(f"name-{n % 5}", "192.0.2.1", check) for n in range(40)))

    asyncio.run(many())
    assert most == 2


def test_beyond_a_long_queue_somebody_is_told_to_come_back() -> None:
    async def overfull() -> None:
        here = Lanes(2)
        waiting = [asyncio.create_task(verify(here, False)) for _ in range(lanes.LONGEST_QUEUE)]
        await asyncio.sleep(0)
        with pytest.raises(Fault) as refused:
            await verify(here, True)
        assert (refused.value.code, refused.value.kind) == ("identity.too_many_attempts", "rate_limited")
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(overfull())


def test_failures_are_forgotten_with_time() -> None:
    now = 0.0

    async def go() -> None:
        nonlocal now
        here = Lanes(2, lambda: now)
        lane = here._lane("x")
        for _ in range(100):
            here._failed(lane)
        now += 10 * lanes.HALF_LIFE_S
        assert here._failed(lane) == delay_after(0)

    asyncio.run(go())
