"""What a service of ours gets when it calls another: an answer, or a fault that says what to do, and always in time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from services.chassis.tests.component.conftest import Proc, Sender, StartProc, wait_consumer, wait_for
from tests.support.engines import Engines

Client = Callable[..., list[dict[str, Any]]]


@pytest.mark.parametrize("at_once", [1, 20, 50, 500])
def test_calls_made_at_once_are_all_answered_each_with_its_own_answer(echo: Proc, client: Client, at_once: int) -> None:
    outcomes = client([["echo", "echo", str(number), 0, 20] for number in range(at_once)])
    assert [outcome.get("text") for outcome in outcomes] == [str(number) for number in range(at_once)]


def test_slow_calls_do_not_hold_up_quick_ones(echo: Proc, client: Client) -> None:
    slow = [["echo", "wait", "slow", 2, 10] for _ in range(20)]
    outcomes = client([*slow, *([["echo", "echo", "quick", 0, 10]] * 20)])
    assert all(outcome["seconds"] < 1 for outcome in outcomes[20:])
    assert all(outcome["text"] == "slow" for outcome in outcomes[:20])


def test_a_service_without_a_queue_is_unavailable_at_once(engines: Engines, client: Client) -> None:
    with engines.channel() as channel:
        channel.queue_unbind("rpc-gone", "nameko-rpc", "gone.*")
    try:
        (outcome,) = client([["gone", "echo", "", 0, 10]])
    finally:
        with engines.channel() as channel:
            channel.queue_bind("rpc-gone", "nameko-rpc", "gone.*")
    assert (outcome["code"], outcome["kind"]) == ("rpc.unavailable", "unavailable")
    assert outcome["seconds"] < 1


def test_a_service_that_does_not_answer_costs_the_time_given_and_no_more(engines: Engines, client: Client) -> None:
    outcomes = client([["gone", "echo", "", 0, 0.5]] * 20)
    assert {outcome["code"] for outcome in outcomes} == {"rpc.deadline"}
    assert max(outcome["seconds"] for outcome in outcomes) < 2


def test_a_method_that_the_table_does_not_name_is_refused_by_the_broker_and_the_next_call_works(
    echo: Proc, client: Client
) -> None:
    (refused,) = client([["echo", "no_such_method", "", 0, 5]])
    assert (refused["code"], refused["kind"]) == ("rpc.not_allowed", "forbidden")
    assert client([["echo", "echo", "hi", 0, 5]])[0]["text"] == "hi"


def test_a_remote_fault_arrives_as_it_was_raised(echo: Proc, client: Client) -> None:
    (fault,) = client([["echo", "fail", "", 0, 5]])
    assert fault["code"] == "echo.not_found"
    assert fault["kind"] == "not_found"
    assert fault["message"] == "There is none."
    assert fault["details"] == {"field": "text"}


def test_a_call_made_while_serving_one_waits_no_longer_than_its_own_caller(echo: Proc, client: Client) -> None:
    """`forward` would wait 30 s for a service that is not there; its caller waits 1 s."""
    (outcome,) = client([["echo", "forward", "other:x", 0, 1.0]])
    assert outcome["code"] == "rpc.deadline"
    assert outcome["seconds"] < 2


def test_a_deadline_travels_two_services_far(
    echo: Proc, start: StartProc, engines: Engines, client: Client, journal
) -> None:
    start("echo", "other", TONGBAN_SERVICE_NAME="other")
    wait_consumer(engines, "rpc-other")
    (outcome,) = client([["echo", "forward", "other:arrived", 0, 5]])
    assert outcome["text"] == "arrived"
    assert journal.read_text() == "arrived\n"


def test_nobody_else_can_answer_in_a_services_name(engines: Engines, start: StartProc) -> None:
    """An answer counts only with the user id of the service that was called, which the broker checks."""
    process = start("client", "front", json.dumps({"calls": [["gone", "echo", "", 0, 2]]}), ready="connected")
    with engines.channel() as channel:
        method, properties, _ = wait_for(
            lambda: (got := channel.basic_get("rpc-gone", auto_ack=True))[0] and got, "the call"
        )
        assert method.routing_key == "gone.echo"
    forger = Sender(engines.broker_url, None)
    forger.send(
        properties.reply_to, b"", content_type="application/x-protobuf", correlation_id=properties.correlation_id
    )
    forger.close()
    assert process.ended() == 0
    assert json.loads(process.output.splitlines()[-1])[0]["code"] == "rpc.deadline"


def test_calls_under_way_when_the_broker_dies_fail_at_once_and_later_ones_work_again(
    engines: Engines, start: StartProc, echo: Proc, journal
) -> None:
    rounds = json.dumps({"calls": [["echo", "wait", "x", 3, 30]] * 20, "rounds": 3})
    process = start("client", "front", rounds, ready="connected")
    wait_for(lambda: journal.read_text().count("x") == 20, "all of them to be under way")
    began = time.monotonic()
    engines.district.broker.kill()
    wait_for(lambda: "rpc.unavailable" in process.output, "the calls to fail")
    assert time.monotonic() - began < 5
    assert process.output.count("rpc.unavailable") == 20
    process.tell()
    wait_for(lambda: process.output.count("rpc.unavailable") == 40, "calls without a broker to fail", 5)
    assert echo.alive
    engines.district.broker.start()
    engines.district.wait_engines()
    wait_consumer(engines, "rpc-echo")
    process.tell("once connected")
    assert process.ended(90) == 0
    assert process.output.count('"text": "x"') == 20
