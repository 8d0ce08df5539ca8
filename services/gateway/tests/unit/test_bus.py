"""A bus that is not there, or has too much to do, says so at once."""

from __future__ import annotations

import asyncio

import pytest
from chassis.clock import SystemClock, new_id
from chassis.errors import Fault, Kind
from gateway.adapters.bus import Bus
from gateway.messages import catalogue


def bus(in_flight: int = 10) -> Bus:
    return Bus(
        "amqp://a:b@127.0.0.1:1/district",
        service="gateway",
        clock=SystemClock(),
        new_id=new_id,
        timeout_s=1,
        in_flight=in_flight,
    )


def refusal(of: Bus) -> Fault:
    with pytest.raises(Fault) as refused:
        asyncio.run(of.call("catalogue.get_item", catalogue.GetItemRequest(code="a"), assertion="-"))
    return refused.value


def test_without_a_connection_a_call_fails_at_once() -> None:
    assert (refusal(bus()).code, refusal(bus()).kind) == ("rpc.unavailable", Kind.UNAVAILABLE)


def test_beyond_the_limit_a_call_is_not_sent() -> None:
    full = bus(in_flight=0)
    full._channel = object()  # as if connected
    assert (refusal(full).code, refusal(full).kind) == ("rpc.overloaded", Kind.UNAVAILABLE)


def test_a_broker_that_blocks_its_publishers_is_as_good_as_away() -> None:
    blocked = bus()
    blocked._channel = object()
    blocked._set_blocked(True)
    assert refusal(blocked).code == "rpc.unavailable"


def test_a_broker_that_is_not_there_is_tried_again_until_the_end() -> None:
    async def journey() -> bool:
        here = bus()
        here.start()
        await asyncio.sleep(0.5)
        ready = here.ready
        await here.stop()
        return ready

    assert asyncio.run(journey()) is False
