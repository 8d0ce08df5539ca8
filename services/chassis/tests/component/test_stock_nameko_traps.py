"""Each way in which nameko as it comes loses work, shown on nameko as it comes, and not to be had from ours.

A test comes in pairs: `stock_…` must show the fault, else its partner proves nothing.
"""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pika
import pytest
from chassis.clock import SystemClock, new_id
from chassis.database import Database
from chassis.outbox import Outbox
from tongban.case_routing.v1.case_routing_pb2 import CaseProgressed

from services.chassis.tests.component.conftest import Proc, Sender, StartProc, wait_consumer, wait_for
from services.chassis.tests.stand_ins.contract import Note
from tests.support.engines import Engines, ServiceDatabase
from tests.support.transit import TRANSIT

Stock = Callable[..., Proc]

STOCK_EVENTS = "evt-stock_source-happened--stock.on_happened"
OUR_EVENTS = "evt.echo.on_case_progressed"
JSON = "application/json"


@pytest.fixture
def channel(engines: Engines) -> Iterator[Any]:
    """As an admin, who may put anything anywhere."""
    with engines.channel() as channel:
        yield channel


def publish(channel: Any, exchange: str, key: str, body: bytes, **properties: Any) -> None:
    channel.basic_publish(exchange, key, body, pika.BasicProperties(**properties))


def publish_event(channel: Any, body: bytes) -> None:
    """An event of ours, as the relay sends it."""
    attributes = {
        "id": str(uuid4()),
        "source": "case_routing",
        "type": "tongban.case_routing.v1.CaseProgressed",
        "subject": "case/1",
        "time": SystemClock().now().isoformat(),
        "specversion": "1.0",
    }
    headers = {f"cloudEvents:{name}": value for name, value in attributes.items()}
    publish(channel, "case_routing.events", "CaseProgressed", body, headers=headers)


def kept(engines: Engines) -> int:
    """How many messages wait anywhere for another try or for a person."""
    return sum(engines.depth(queue) for queue in (OUR_EVENTS, "retry.1s", "retry.60s", "park.echo"))


# A handler that raises is acked ----------------------------------------------------------------------------------------


def test_stock_forgets_an_event_whose_handler_raised(
    stock: Stock, engines: Engines, channel: Any, journal: Path
) -> None:
    stock()
    publish(channel, "stock_source.events", "happened", b'{"text": "e1"}', content_type=JSON)
    wait_for(lambda: journal.read_text() == "e1\n", "the handler to run")
    time.sleep(1)
    assert engines.depth(STOCK_EVENTS) == 0
    assert journal.read_text() == "e1\n"  # once, in vain, and never again


def test_ours_keeps_an_event_whose_handler_raised_and_tries_again(
    echo: Proc, engines: Engines, channel: Any, journal: Path
) -> None:
    publish_event(channel, CaseProgressed(number="e1").SerializeToString())
    wait_for(lambda: journal.read_text() == "e1\ne1\n", "a second try")
    wait_for(lambda: kept(engines) == 1, "the event to wait for its third")


# An undecodable body is acked -------------------------------------------------------------------------------------------


def test_stock_forgets_what_it_cannot_read(stock: Stock, engines: Engines, channel: Any, front: Sender) -> None:
    stock()
    publish(channel, "stock_source.events", "happened", b"{", content_type=JSON)
    publish(channel, "nameko-rpc", "stock.echo", b"{", content_type=JSON, reply_to=front.reply_to, correlation_id="c1")
    assert front.answer("c1", timeout_s=2) is None
    assert engines.depth(STOCK_EVENTS) == engines.depth("rpc-stock") == 0


def test_ours_parks_an_event_and_answers_a_call_that_it_cannot_read(
    echo: Proc, engines: Engines, channel: Any, front: Sender
) -> None:
    publish_event(channel, b"\x0a\xff")
    wait_for(lambda: engines.depth("park.echo") == 1, "the event to be parked")
    assert front.call("echo.echo", b"{")["error"]["code"] == "rpc.undecodable"


# An event nobody is bound to vanishes -------------------------------------------------------------------------------------


def test_stock_says_nothing_of_an_event_that_went_nowhere(stock: Stock, channel: Any, front: Sender) -> None:
    process = stock()
    body = b'{"args": [{"text": "lost"}], "kwargs": {}}'
    publish(channel, "nameko-rpc", "stock.tell", body, content_type=JSON, reply_to=front.reply_to, correlation_id="c1")
    answer = front.answer("c1")
    assert answer is not None
    assert answer["error"] is None  # all is well, it says
    assert "nobody_listens" not in process.output


def test_ours_keeps_an_event_that_went_nowhere_and_says_so(
    echo: Proc, channel: Any, echo_database: ServiceDatabase
) -> None:
    channel.queue_unbind("unheard", "echo.events", "Note")  # where the definitions send what nobody handles yet
    database = Database(echo_database.url)

    def waiting() -> list[tuple[str, int]]:
        with database.transaction() as connection:
            return list(connection.exec_driver_sql("SELECT failure, attempts FROM outbox WHERE confirmed_at IS NULL"))

    with database.transaction() as connection:
        Outbox(connection, "echo", SystemClock(), new_id, TRANSIT).publish(
            Note(text="kept"), subject="note/1", version=1
        )
    wait_for(
        lambda: [row for row in waiting() if row[0] == "unroutable" and row[1] > 0],
        f"the row to say what it lacks: {waiting()}",
    )
    assert "the broker did not take a message" in echo.output
    channel.queue_bind("unheard", "echo.events", "Note")
    wait_for(lambda: not waiting(), "the row to go out once there is somewhere to go", 30)
    database.close()


# A service-to-service call has no deadline ----------------------------------------------------------------------------------


def test_stock_waits_for_ever_for_a_service_that_does_not_answer(
    stock: Stock, channel: Any, front: Sender, journal: Path
) -> None:
    stock()
    body = b'{"args": [{"text": "x"}], "kwargs": {}}'
    publish(
        channel, "nameko-rpc", "stock.forward", body, content_type=JSON, reply_to=front.reply_to, correlation_id="c1"
    )
    wait_for(lambda: journal.read_text() == "forwarding\n", "the call to be under way")
    assert front.answer("c1", timeout_s=12) is None  # longer than anything of ours waits by default


def test_ours_waits_no_longer_than_whoever_waits_for_it(echo: Proc, front: Sender) -> None:
    deadline = int((time.time() + 1) * 1000)
    began = time.monotonic()
    answer = front.call("echo.forward", {"text": "gone:x"}, headers={"tongban.deadline": deadline})
    assert answer["error"]["code"] == "rpc.deadline"
    assert time.monotonic() - began < 3


# A call without reply_to or content type ends the process, and comes back for ever -------------------------------------------


@pytest.mark.parametrize(
    "properties", [{"content_type": JSON}, {"reply_to": "somewhere"}], ids=["no reply_to", "no type"]
)
def test_stock_dies_of_a_careless_call_again_and_again(
    stock: Stock, engines: Engines, channel: Any, properties: dict[str, str]
) -> None:
    process = stock()
    publish(channel, "nameko-rpc", "stock.echo", b'{"args": [{}], "kwargs": {}}', **properties)
    assert process.ended() != 0
    assert engines.depth("rpc-stock") == 1
    assert stock().ended() != 0
    assert engines.depth("rpc-stock") == 1


@pytest.mark.parametrize("missing", ["reply_to", "content_type"])
def test_ours_survives_a_careless_call_and_never_sees_it_again(
    echo: Proc, engines: Engines, front: Sender, missing: str
) -> None:
    front.send("echo.echo", **{missing: None})
    assert front.call("echo.echo", {"text": "hi"})["result"] == {"text": "hi"}
    assert engines.depth("rpc-echo") == 0
    assert echo.alive


# An answer queue that expires ends the caller ---------------------------------------------------------------------------------


def test_stock_never_gets_over_the_loss_of_its_answer_queue(
    stock: Stock, engines: Engines, channel: Any, front: Sender
) -> None:
    """Its queue has a time to live, so losing the network for five minutes deletes it, and the answer goes nowhere."""
    stock()
    body = b'{"args": [{"text": "x"}], "kwargs": {}}'
    publish(
        channel, "nameko-rpc", "stock.forward", body, content_type=JSON, reply_to=front.reply_to, correlation_id="c1"
    )
    asked = wait_for(lambda: (got := channel.basic_get("rpc-gone", auto_ack=True))[0] and got[1], "the call")
    channel.queue_delete(f"rpc.reply-stock-{asked.reply_to}")
    publish(
        channel, "nameko-rpc", asked.reply_to, b'{"result": {}, "error": null}', correlation_id=asked.correlation_id
    )
    assert front.answer("c1", timeout_s=12) is None


def test_ours_has_an_answer_queue_that_lasts_as_long_as_its_connection(
    echo: Proc, engines: Engines, channel: Any, front: Sender
) -> None:
    """Exclusive, it neither expires nor can be deleted by anybody else. (Its loss with the connection: test_rpc_caller.)"""
    call = front.send("echo.forward", {"text": "gone:x"})
    asked = wait_for(lambda: (got := channel.basic_get("rpc-gone", auto_ack=True))[0] and got[1], "the call")
    queue = asked.reply_to.replace("reply.echo.", "rpc.reply-echo-")
    with engines.channel() as vandal, pytest.raises(pika.exceptions.ChannelClosedByBroker, match="RESOURCE_LOCKED"):
        vandal.queue_delete(queue)
    gone = pika.BlockingConnection(pika.URLParameters(engines.amqp_url("gone")))
    properties = pika.BasicProperties(
        content_type="application/x-protobuf", correlation_id=asked.correlation_id, user_id="gone"
    )
    gone.channel().basic_publish("nameko-rpc", asked.reply_to, Note(text="answered").SerializeToString(), properties)
    answer = front.answer(call)
    gone.close()
    assert answer is not None
    assert answer["result"] == {"text": "answered"}


# SIGTERM runs calls twice -----------------------------------------------------------------------------------------------------


CALLS, SECONDS = 30, 2.5


def test_stock_runs_calls_twice_when_it_is_stopped(
    stock: Stock, engines: Engines, channel: Any, front: Sender, journal: Path
) -> None:
    """It closes its connection while calls run, so the broker gives them to another process."""
    first, _ = stock(STOCK="Server"), stock(STOCK="Server")
    wait_consumer(engines, "rpc-stock", 2)
    for number in range(CALLS):
        body = json.dumps({"args": [{"text": str(number), "seconds": SECONDS}], "kwargs": {}}).encode()
        back = {"reply_to": front.reply_to, "correlation_id": str(number)}
        publish(channel, "nameko-rpc", "stock.wait", body, content_type=JSON, **back)
    wait_for(lambda: len(journal.read_text().split()) >= CALLS, "every call to be running")
    first.signal(signal.SIGTERM)
    wait_for(lambda: max(Counter(journal.read_text().split()).values()) > 1, "a call to run a second time")


def test_ours_runs_every_call_once_when_it_is_stopped(
    start: StartProc, engines: Engines, front: Sender, journal: Path
) -> None:
    first, _ = start("echo", TONGBAN_MAX_WORKERS="20"), start("echo", TONGBAN_MAX_WORKERS="20")
    wait_consumer(engines, "rpc-echo", 2)
    calls = [front.send("echo.wait", {"text": str(number), "seconds": SECONDS}) for number in range(CALLS)]
    wait_for(lambda: len(journal.read_text().split()) >= CALLS, "every call to be running")
    first.signal(signal.SIGTERM)
    results = [(front.answer(call, 20) or {}).get("result") for call in calls]
    assert results == [{"text": str(number)} for number in range(CALLS)]  # none lost either
    assert first.ended() == 0
    assert Counter(journal.read_text().split()) == {str(number): 1 for number in range(CALLS)}
