"""Calls over a real broker: what goes out, what comes back, and what happens when nothing does."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from chassis.assertion import EdgeKeys, verify_assertion
from chassis.clock import SystemClock, from_unix_ms
from chassis.errors import Fault, Kind
from chassis.wire import ASSERTION_HEADER, DEADLINE_HEADER
from gateway.messages import catalogue

from tests.support.calls import eventually

pytestmark = pytest.mark.engines


def one_item(method: str, body: bytes) -> catalogue.Item:
    return catalogue.Item(code=catalogue.GetItemRequest.FromString(body).code, version=3)


def test_a_call_goes_out_as_protobuf_with_caller_person_deadline_and_trace(edge, service, engines) -> None:
    behind = service("catalogue", one_item)
    trace = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
    answer = edge.ask("GET", "/v1/items/abc", "citizen", headers={"traceparent": trace})
    assert (answer.status_code, answer.json()["code"], answer.headers["etag"]) == (200, "abc", '"3"')
    ((method, properties, _),) = behind.calls
    assert (method, properties.user_id, properties.content_type) == (
        "catalogue.get_item",
        "gateway",
        "application/x-protobuf",
    )
    assert properties.headers["traceparent"].startswith("00-" + "ab" * 16)
    now, clock = SystemClock().now(), SystemClock()
    assert (
        timedelta(0)
        < from_unix_ms(properties.headers[DEADLINE_HEADER]) - now + timedelta(seconds=1)
        < timedelta(seconds=3)
    )
    keys = EdgeKeys(engines.district.edge_keys)
    actor = verify_assertion(properties.headers[ASSERTION_HEADER], keys, clock=clock, district="320508")
    assert (actor.subject, actor.roles, actor.acr, actor.client_id) == (
        "person-1",
        {"citizen"},
        "L4",
        "tongban-session",
    )


def test_a_hundred_calls_at_once_share_one_connection_and_each_gets_its_own_answer(edge, service, engines) -> None:
    service("catalogue", one_item)
    token = edge.issuer.token("citizen")
    with ThreadPoolExecutor(20) as pool:
        codes = [f"item-{n}" for n in range(100)]
        answers = list(pool.map(lambda code: edge.ask("GET", f"/v1/items/{code}", token=token).json()["code"], codes))
    assert answers == codes


def test_a_service_s_fault_reaches_the_caller_as_a_problem(edge, service) -> None:
    service("catalogue", lambda *_: Fault("catalogue.item_not_found", Kind.NOT_FOUND, "No such item."))
    answer = edge.ask("GET", "/v1/items/abc", "citizen")
    assert (answer.status_code, answer.json()["code"]) == (404, "catalogue.item_not_found")


def test_an_unreadable_answer_is_our_defect_not_the_caller_s(edge, service) -> None:
    service("catalogue", lambda *_: b"\xff\xff\xff")
    answer = edge.ask("GET", "/v1/items/abc", "citizen")
    assert (answer.status_code, answer.json()["code"]) == (500, "rpc.bad_answer")


def test_a_silent_service_is_given_up_at_the_deadline_and_its_late_answer_harms_nobody(edge, service) -> None:
    behind = service("catalogue", lambda *_: None)
    began = time.monotonic()
    answer = edge.ask("GET", "/v1/items/abc", "citizen")
    assert 1.4 < time.monotonic() - began < 4
    assert (answer.status_code, answer.json()["code"]) == (503, "rpc.deadline")
    assert int(answer.headers["retry-after"]) > 0
    behind.answer = one_item
    assert edge.ask("GET", "/v1/items/abc", "citizen").status_code == 200


def test_a_service_that_is_not_there_at_all_is_said_to_be_away_at_once(edge, engines) -> None:
    with engines.channel() as channel:
        channel.queue_unbind("rpc-hotline", "nameko-rpc", "hotline.*")
        try:
            began = time.monotonic()
            answer = edge.ask("GET", "/v1/tickets", "citizen")
            assert time.monotonic() - began < 1
        finally:
            channel.queue_bind("rpc-hotline", "nameko-rpc", "hotline.*")
    assert (answer.status_code, answer.json()["code"]) == (503, "rpc.unavailable")


def test_an_expired_call_does_not_wait_in_the_queue_for_ever(edge, engines) -> None:
    assert edge.ask("GET", "/v1/messages", "citizen").status_code == 503
    eventually(lambda: engines.depth("rpc-notification") == 0, 10)


def test_a_broker_that_was_killed_is_missed_and_found_again(edge, service, engines) -> None:
    engines.district.broker.kill()
    answer = edge.ask("GET", "/v1/items/abc", "citizen")
    assert (answer.status_code, answer.json()["code"]) in ((503, "rpc.unavailable"), (503, "rpc.connection_lost"))
    eventually(lambda: edge.process.get("/readyz")[1] == {"ready": False, "not_ready": ["bus"]})
    assert edge.process.get("/livez")[0] == 200
    engines.district.broker.start()
    engines.district.wait_engines()
    eventually(edge.process.ready, 20)
    service("catalogue", one_item)
    assert edge.ask("GET", "/v1/items/abc", "citizen").status_code == 200


def test_it_stops_when_asked_and_tells_no_names_or_tokens_in_its_log(edge, engines) -> None:
    token = edge.issuer.token("citizen", name="张三丰")
    edge.ask("GET", "/v1/items/310101199001011234", token=token)
    began = time.monotonic()
    assert edge.process.stop() == 0
    assert time.monotonic() - began < 10
    log = edge.process.log.read_text()
    assert '"route": "/v1/items/{code}"' in log
    for secret in (token, "张三丰", "310101199001011234", "person-1", engines.district.secrets.broker["gateway"]):
        assert secret not in log
