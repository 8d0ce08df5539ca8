"""The support itself: what a component test is promised."""

from __future__ import annotations

from tests.support.engines import Engines


def test_a_component_test_gets_an_empty_broker_with_every_queue(broker: Engines) -> None:
    assert {broker.depth(queue) for queue in broker.queues()} == {0}
