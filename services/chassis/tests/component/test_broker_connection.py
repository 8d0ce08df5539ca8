"""One connection to the broker: it comes back by itself, tells what became of each message, and never waits for ever."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tongban_broker.definitions import Accounts, definitions, peer_user
from tongban_local.account import own, own_folder, popen_identity
from tongban_local.certificates import Authority, Pair
from tongban_local.engines import Broker, CourierListener
from tongban_local.guard import Guard
from tongban_local.ports import free_port

from services.chassis.tests.component.conftest import BUS, Proc, StartProc, wait_consumer, wait_for
from tests.support import engines as support
from tests.support.engines import Engines
from tests.support.freeze import freeze
from tests.support.samples import sample

LONGEST_BACKOFF_S = 10.0


class Link:
    """The connection in its own process (stand_ins/link.py)."""

    def __init__(self, process: Proc) -> None:
        self.process = process
        self._asked = 0

    def ask(self, *command: Any, timeout_s: float = 20) -> Any:
        self._asked += 1
        self.process.tell(json.dumps(command))
        answers = wait_for(
            lambda: (got := self._answers())[self._asked - 1 :] and got, f"an answer to {command}", timeout_s
        )
        return answers[self._asked - 1]

    def _answers(self) -> list[Any]:
        lines = [line for line in self.process.output.splitlines(keepends=True) if line.startswith('{"answer"')]
        return [json.loads(line)["answer"] for line in lines if line.endswith("\n")]

    def connected(self) -> bool:
        time.sleep(0.2)
        return bool(self.ask("state")[0])


OpenLink = Callable[..., Link]


@pytest.fixture
def open_link(start: StartProc) -> OpenLink:
    """`open_link(url)`: a connection, connected unless told not to wait."""

    def begin(url: str, *, wait: bool = True) -> Link:
        link = Link(start("link", "echo", url, ready="started"))
        assert not wait or link.ask("wait", 10)
        return link

    return begin


@pytest.fixture
def queue(engines: Engines) -> Iterator[str]:
    """A queue of the test's own, which takes three messages and refuses the fourth."""
    with engines.channel() as channel:
        arguments = {"x-max-length": 3, "x-overflow": "reject-publish"}
        channel.queue_declare("test.queue", durable=True, arguments=arguments)
        channel.queue_purge("test.queue")
    yield "test.queue"
    with engines.channel() as channel:
        channel.queue_delete("test.queue")


def test_it_tells_what_became_of_each_message(open_link: OpenLink, engines: Engines, queue: str) -> None:
    link = open_link(engines.broker_url)
    assert link.ask("publish", "", "no.such.queue", 2, 5) == ["unroutable", "unroutable"]
    outcomes = link.ask("publish", "", queue, 9, 5)
    assert outcomes[:3] == ["confirmed"] * 3
    assert outcomes[-1] == "nacked"
    assert engines.depth(queue) == outcomes.count("confirmed")


def test_thousands_may_be_under_way_at_once(open_link: OpenLink, engines: Engines) -> None:
    link = open_link(engines.broker_url)
    assert Counter(link.ask("publish", "nameko-rpc", "gone.echo", 5000, 20, timeout_s=40)) == {"confirmed": 5000}
    assert engines.depth("rpc-gone") == 5000


def test_a_message_without_a_right_to_send_it_is_unknown_and_the_next_one_goes_out(
    open_link: OpenLink, engines: Engines
) -> None:
    link = open_link(engines.amqp_url("front"))
    assert link.ask("publish", "nameko-rpc", "other.echo", 1, 5) == ["unknown"]
    wait_for(link.connected, "its channel to be open again")
    assert link.ask("publish", "nameko-rpc", "gone.echo", 1, 5) == ["confirmed"]


def test_what_is_acked_is_gone_and_what_is_not_comes_back(open_link: OpenLink, engines: Engines, queue: str) -> None:
    link = open_link(engines.broker_url)
    link.ask("publish", "", queue, 3, 5)
    link.ask("consume", queue, 3)
    wait_for(lambda: link.ask("got") == ["0", "1", "2"], "three messages")
    link.ask("ack", 1)  # out of order: the one before it must not be acked with it
    link.ask("nack", 2)
    wait_for(lambda: link.ask("got") == ["0", "1", "2", "2"], "the one given back")
    link.process.kill()
    wait_for(lambda: engines.depth(queue) == 2, "the two that were not acked")


def test_no_more_is_delivered_than_it_asked_for(open_link: OpenLink, engines: Engines, queue: str) -> None:
    link = open_link(engines.broker_url)
    link.ask("publish", "", queue, 3, 5)
    link.ask("consume", queue, 2)
    wait_for(lambda: len(link.ask("got")) == 2, "two messages")
    time.sleep(0.5)
    assert link.ask("got") == ["0", "1"]
    link.ask("ack", 0)
    wait_for(lambda: link.ask("got") == ["0", "1", "2"], "the third")


def test_a_consumer_whose_queue_was_deleted_takes_from_the_new_one(
    open_link: OpenLink, engines: Engines, queue: str
) -> None:
    link = open_link(engines.broker_url)
    link.ask("consume", queue, 3)
    wait_consumer(engines, queue)
    with engines.channel() as channel:
        channel.queue_delete(queue)
        time.sleep(1)
        channel.queue_declare(queue, durable=True)
        channel.basic_publish("", queue, b"fresh")
        wait_for(lambda: link.ask("got") == ["fresh"], "the new queue's message")


def test_after_the_broker_was_killed_it_publishes_and_consumes_again(
    open_link: OpenLink, engines: Engines, queue: str
) -> None:
    link = open_link(engines.broker_url)
    link.ask("consume", queue, 3)
    wait_consumer(engines, queue)
    engines.district.broker.kill()
    wait_for(lambda: not link.connected(), "the loss to be noticed")
    assert link.ask("publish", "", queue, 1, 1) == "gone: not connected"
    engines.district.broker.start()
    engines.district.wait_engines()
    wait_for(link.connected, "the connection to be back", 6 * LONGEST_BACKOFF_S)
    assert sample(link.ask("metrics"), "tongban_broker_reconnects_total", connection="test") == 1
    wait_for(lambda: link.ask("state")[2], "the consumer to be back", 6 * LONGEST_BACKOFF_S)
    assert link.ask("publish", "", queue, 2, 5) == ["confirmed", "confirmed"]
    wait_for(lambda: link.ask("got") == ["0", "1"], "the messages")


@pytest.fixture
def frozen(engines: Engines) -> Iterator[Callable[[], None]]:
    """`frozen()` stops the broker in its tracks: the network is there and nobody answers."""
    pid = int((engines.district.broker.folder / "pid").read_text())

    yield lambda: freeze(pid)
    os.kill(pid, signal.SIGCONT)


def test_a_broker_that_falls_silent_is_noticed_by_its_heartbeat(
    open_link: OpenLink, engines: Engines, frozen: Callable[[], None]
) -> None:
    link = open_link(f"{engines.broker_url}?heartbeat=2")
    frozen()
    assert link.ask("publish", "nameko-rpc", "gone.echo", 1, 1) == ["unknown"]  # no confirm, no harm
    wait_for(lambda: not link.connected(), "the silence to be noticed", 20)  # pika looks every 7 s, and twice


def test_it_stops_in_time_though_the_broker_says_nothing(
    open_link: OpenLink, engines: Engines, frozen: Callable[[], None]
) -> None:
    link = open_link(engines.broker_url)
    frozen()
    assert link.ask("stop", 1) < 3


def test_nothing_is_given_to_a_broker_that_has_an_alarm_on(open_link: OpenLink, engines: Engines) -> None:
    def control(*words: str) -> None:
        environ = engines.district.broker.environ()
        argv = ["/usr/lib/rabbitmq/bin/rabbitmqctl", *words]
        subprocess.run(argv, env=environ, check=True, capture_output=True, cwd="/", **popen_identity())

    link = open_link(engines.broker_url)
    try:
        control("set_vm_memory_high_watermark", "absolute", "1")
        link.ask("publish", "nameko-rpc", "gone.echo", 1, 0.5)  # the broker tells those that publish
        wait_for(lambda: link.ask("state")[1], "the alarm to arrive")
        assert link.ask("publish", "nameko-rpc", "gone.echo", 1, 0.5) == "gone: the broker takes nothing now"
    finally:
        control("set_vm_memory_high_watermark", "absolute", "1GiB")
    wait_for(lambda: not link.ask("state")[1], "the end of the alarm")
    assert link.ask("publish", "nameko-rpc", "gone.echo", 1, 5) == ["confirmed"]


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Broker, Path]]:
    """A broker that also listens for peers with certificates, and the folder of those."""
    folder = own_folder(Path("/var/tmp") / f"tongban-test-{os.getpid()}")
    guard = Guard(folder)
    host, keys = support.test_address(), folder / "keys"
    authority = Authority(keys)
    server = authority.server(Pair.at(keys, "server"), host)
    authority.client(Pair.at(keys, "peer"), peer_user("310101"))
    Authority(folder / "other").client(Pair.at(keys, "stranger"), peer_user("310101"))
    own(keys, folder / "other")
    broker = Broker.create(folder / "broker", host)
    broker.courier = CourierListener(free_port(host), authority.certificate, server.certificate, server.key)
    passwords = dict.fromkeys(BUS.users, "x")
    broker.write(definitions(BUS, Accounts(passwords, peers=("310101",), admin="x")))
    broker.start()
    try:
        broker.wait_ready("admin", "x")
        yield broker, folder
    finally:
        broker.kill()
        guard.release()


def tls_url(listener: tuple[Broker, Path], certificate: str, authority: str = "keys/authority.pem") -> str:
    broker, folder = listener
    assert broker.courier is not None
    files = f"cacertfile={folder / authority}&certfile={folder}/keys/{certificate}.pem&keyfile={folder}/keys/{certificate}-key.pem"
    return f"amqps://{broker.host}:{broker.courier.port}/courier?{files}"


def test_a_certificate_is_enough_to_log_in_and_gives_its_own_rights_only(
    open_link: OpenLink, listener: tuple[Broker, Path]
) -> None:
    link = open_link(tls_url(listener, "peer"))
    assert link.ask("publish", "courier.in", "", 200, 5) == ["confirmed"] * 200
    assert link.ask("publish", "", "courier.in", 1, 5) == ["unknown"]


@pytest.mark.parametrize(
    ("certificate", "authority"),
    [("stranger", "keys/authority.pem"), ("peer", "other/authority.pem")],
    ids=["the broker does not know us", "we do not know the broker"],
)
def test_who_is_not_known_is_not_talked_to(
    open_link: OpenLink, listener: tuple[Broker, Path], certificate: str, authority: str
) -> None:
    link = open_link(tls_url(listener, certificate, authority), wait=False)
    assert link.ask("wait", 3) is False
    assert link.process.alive
