"""What a service answers depends on how it is set up: who may call where people try things out, and how much at once."""

from __future__ import annotations

import time
from typing import Any

from services.chassis.tests.component.conftest import Sender, StartProc, wait_consumer
from tests.support.engines import Engines


def code_of(answer: dict[str, Any]) -> tuple[str, str]:
    return answer["error"]["code"], answer["error"]["kind"]


def test_a_caller_that_does_not_say_who_it_is_is_refused(start: StartProc, engines: Engines, stranger: Sender) -> None:
    start("echo", TONGBAN_TRIAL="false")
    wait_consumer(engines, "rpc-echo")
    assert code_of(stranger.call("echo.echo")) == ("rpc.caller_unknown", "forbidden")


def test_the_account_for_trying_out_is_refused_where_settings_do_not_say_trial(
    start: StartProc, engines: Engines
) -> None:
    start("echo", TONGBAN_TRIAL="false")
    wait_consumer(engines, "rpc-echo")
    sender = Sender(engines.trial_url, None)
    assert code_of(sender.call("echo.echo", user_id="trial")) == ("rpc.caller_unknown", "forbidden")
    sender.close()


def test_more_than_it_can_take_is_refused_at_once(start: StartProc, engines: Engines, front: Sender) -> None:
    start("echo", TONGBAN_MAX_WORKERS="2", TONGBAN_RPC_QUEUE_LIMIT="3")
    wait_consumer(engines, "rpc-echo")
    calls = [front.send("echo.wait", {"text": str(n), "seconds": 5}) for n in range(7)]
    began = time.monotonic()
    for call in calls[5:]:
        assert code_of(front.answer(call) or {}) == ("rpc.overloaded", "unavailable")
    assert time.monotonic() - began < 4
