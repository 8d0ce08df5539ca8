"""Where a message goes after its handler failed: decided from the error and the headers alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from chassis.errors import Fault, Kind
from chassis.ladder import PATIENCE, Poison, Step, cleaned, next_step

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
RUNGS = ("1", "10", "60", "600")
AWAY = Fault("database.busy", Kind.UNAVAILABLE, "")
RULE = Fault("notification.no_template", Kind.CONFLICT, "")
QUEUE = "evt.notification.on_x"


def step(error: Exception, headers: dict[str, Any] | None = None, now: datetime = NOW) -> Step:
    return next_step(error, headers or {}, queue=QUEUE, service="notification", rungs=RUNGS, now=now)


def walk(error: Exception, tries: int) -> list[str]:
    """The exchanges that a message passes which fails every time."""
    headers: dict[str, Any] = {}
    exchanges = []
    for _ in range(tries):
        taken = step(error, headers)
        headers = taken.headers
        exchanges.append(taken.exchange)
    return exchanges


@pytest.mark.parametrize("error", [RULE, KeyError("x")])
def test_a_failure_climbs_every_rung_and_is_parked_then(error: Exception) -> None:
    assert walk(error, 5) == ["retry.1s", "retry.10s", "retry.60s", "retry.600s", "parking"]


def test_what_waits_for_something_else_stays_on_the_last_rung() -> None:
    assert walk(AWAY, 50)[3:] == ["retry.600s"] * 47


def test_nobody_waits_for_ever() -> None:
    first = step(AWAY)
    assert step(AWAY, first.headers, NOW + PATIENCE - timedelta(seconds=1)).exchange == "retry.10s"
    parked = step(AWAY, first.headers, NOW + PATIENCE)
    assert parked.parks
    assert parked.headers["tongban.reason"] == "database.busy"


def test_poison_is_parked_at_once_with_reason_and_origin() -> None:
    taken = step(Poison("event.type_unknown"))
    assert (taken.exchange, taken.routing_key) == ("parking", "notification")
    assert taken.headers["tongban.reason"] == "event.type_unknown"
    assert taken.headers["tongban.origin_queue"] == QUEUE
    assert taken.headers["tongban.attempts"] == 1


def test_a_rung_leads_back_to_the_queue_and_keeps_count_reason_and_first_failure() -> None:
    later = step(KeyError("310101199001011234"), step(RULE).headers, NOW + timedelta(minutes=5))
    assert later.routing_key == QUEUE
    assert later.headers == {
        "tongban.attempts": 2,
        "tongban.first_failed_at": "2026-11-23T01:00:00Z",
        "tongban.reason": "defect.KeyError",  # an error's words may hold somebody's number
    }


def test_the_message_s_own_headers_travel_on_and_the_broker_s_do_not() -> None:
    came = {
        "cloudEvents:id": "1",
        "traceparent": "00-a",
        "x-death": [{}],
        "x-first-death-queue": "q",
        "x-delivery-count": 3,
    }
    kept = {"cloudEvents:id": "1", "traceparent": "00-a"}
    assert kept.items() <= step(RULE, came).headers.items()
    assert not [name for name in step(RULE, came).headers if name.startswith("x-")]
    assert cleaned(step(RULE, came).headers) == kept


@pytest.mark.parametrize("nonsense", ["many", -3, None, 2.5, [1]])
def test_a_nonsensical_count_begins_anew(nonsense: Any) -> None:
    assert step(RULE, {"tongban.attempts": nonsense}).exchange == "retry.1s"


@pytest.mark.parametrize("nonsense", ["yesterday", 7, None, "2026-11-23T01:00:00", "2999-01-01T00:00:00Z"])
def test_a_nonsensical_first_failure_is_now(nonsense: Any) -> None:
    assert (
        step(AWAY, {"tongban.first_failed_at": nonsense}).headers["tongban.first_failed_at"] == "2026-11-23T01:00:00Z"
    )
