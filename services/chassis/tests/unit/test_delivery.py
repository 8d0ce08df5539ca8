"""What an event's headers say is read strictly: what cannot be handled or stored is poison, and says why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from chassis.ladder import Poison
from chassis.subscriber.delivery import read_delivery
from hypothesis import given
from hypothesis import strategies as st

HEADERS: dict[str, Any] = {
    "cloudEvents:id": "e1",
    "cloudEvents:source": "case_routing",
    "cloudEvents:type": "tongban.case_routing.v1.CaseProgressed",
    "cloudEvents:subject": "case/C1",
    "cloudEvents:time": "2026-11-23T09:00:00+08:00",
    "tongban.version": 3,
    "tongban.attempts": 1,
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tongban.subject_seq": 5,
}


def test_a_delivery_says_what_the_headers_say() -> None:
    delivery = read_delivery(HEADERS)
    assert (delivery.id, delivery.source, delivery.subject, delivery.version) == ("e1", "case_routing", "case/C1", 3)
    assert delivery.time == datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    assert delivery.attempt == 2
    assert delivery.traceparent == HEADERS["traceparent"]
    assert delivery.headers["tongban.subject_seq"] == 5
    assert delivery.inbox_source == "case_routing"


def test_ids_of_different_districts_do_not_meet() -> None:
    assert read_delivery(HEADERS | {"tongban.district": "310101"}).inbox_source == "case_routing@310101"


@pytest.mark.parametrize("name", [name for name in HEADERS if name.startswith("cloudEvents:")])
def test_every_attribute_must_be_there(name: str) -> None:
    with pytest.raises(Poison, match=r"event\.headers_missing"):
        read_delivery({key: value for key, value in HEADERS.items() if key != name})


_values = st.none() | st.integers() | st.text() | st.binary() | st.lists(st.integers()) | st.booleans()


@given(st.dictionaries(st.sampled_from([*HEADERS, "tongban.district"]), _values))
def test_whatever_the_headers_hold_they_are_read_or_poison(changes: dict[str, Any]) -> None:
    try:
        delivery = read_delivery(HEADERS | changes)
    except Poison as poison:
        assert poison.reason == "event.headers_invalid"
    else:
        assert "\x00" not in delivery.id + delivery.inbox_source
