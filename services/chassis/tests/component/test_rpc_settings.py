"""What a service answers depends on how it is set up: who may call where people try things out, and how much at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from services.chassis.tests.component.conftest import Sender, StartProc, wait_consumer, wait_for
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


def test_more_than_it_can_take_is_refused_at_once(
    start: StartProc, engines: Engines, front: Sender, journal: Path
) -> None:
    start("echo", TONGBAN_MAX_WORKERS="2", TONGBAN_RPC_QUEUE_LIMIT="3")
    wait_consumer(engines, "rpc-echo")
    for n in range(2):
        front.send("echo.wait", {"text": str(n), "seconds": 30})
    wait_for(lambda: len(journal.read_text().splitlines()) == 2, "both workers to be busy")
    calls = [front.send("echo.wait", {"text": str(n), "seconds": 0}) for n in range(2, 7)]
    for call in calls[3:]:  # three may wait; these are answered while the workers are busy still
        assert code_of(front.answer(call) or {}) == ("rpc.overloaded", "unavailable")
    assert front.answer(calls[0], 0.1) is None
