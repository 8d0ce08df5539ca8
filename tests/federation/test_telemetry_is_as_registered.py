"""What the processes of two districts really emit is what infra/observability/telemetry.yaml says, no more and no less."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress

import pytest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tongban_local.installation import Installation
from tongban_local.programs import SERVICES
from tongban_observability.emitted import SeenSample, SeenSpan, metric_faults, page, samples_in, span_faults, span_seen
from tongban_observability.registry import Registry

from tests.federation.conftest import GUSU, HUANGPU, application
from tests.support.calls import eventually

WAIT_S = 90


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture(scope="module", autouse=True)
def a_case_that_went_all_the_way(person, foreign_item) -> None:
    """So that whatever has to do with a healthy crossing has happened, whichever tests ran before."""
    number = person(GUSU, "citizen").post("/v1/cases", application(foreign_item))["number"]
    clerk, citizen = person(HUANGPU, "clerk"), person(GUSU, "citizen")

    def held_there() -> bool:
        answer = clerk.answer("GET", f"/v1/cases/{number}")
        return answer.status_code == 200 and answer.json()["responsibility"]["holder"] == HUANGPU

    eventually(held_there, WAIT_S)
    clerk.post(f"/v1/cases/{number}/accept")
    clerk.post(f"/v1/cases/{number}/grant", {"reasons": "材料齐全。"})
    eventually(lambda: citizen.get(f"/v1/cases/{number}")["state"] == "closed", WAIT_S)


def samples(place: Installation) -> Iterator[SeenSample]:
    for name in SERVICES:
        yield from samples_in(name, page(f"http://{place.district.address(f'{name}_health')}/metrics"))
    yield from samples_in("spans", page(f"{place.spans_url}/metrics"))


def spans(place: Installation) -> Iterator[SeenSpan]:
    """Everything that the district's receiver keeps, of the tests before as well."""
    kept = sqlite3.connect(f"file:{place.folder}/spans/spans.sqlite?mode=ro", uri=True)
    try:
        for body, resource in kept.execute(
            "SELECT span.body, resource.body FROM span JOIN resource ON resource.id = span.resource_id"
        ):
            yield span_seen(Span.FromString(body), Resource.FromString(resource))
    finally:
        kept.close()


def settled(faults) -> list[str]:
    """Spans and gauges follow the work by some seconds: the faults that are still there after them."""
    found: list[str] = []

    def none_left() -> bool:
        found[:] = faults()
        return not found

    with suppress(AssertionError):
        eventually(none_left, 30)
    return found


def test_every_metric_is_registered_and_every_registered_metric_is_there(environment, registry) -> None:
    assert settled(lambda: metric_faults(registry, [s for place in environment.places for s in samples(place)])) == []


def test_every_span_is_registered_and_every_registered_span_is_there(environment, registry) -> None:
    assert settled(lambda: span_faults(registry, [s for place in environment.places for s in spans(place)])) == []
