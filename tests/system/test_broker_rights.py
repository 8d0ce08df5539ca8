"""The broker itself refuses whatever bus.yaml does not name. Every check runs against a real node with the full definitions."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker, ProbableAuthenticationError
from tongban_broker.bus import Bus, event_queue, retry_name
from tongban_broker.rights import COURIER_VHOST
from tongban_local.engines import can_connect

from tests.support.engines import Engines

BUS = Bus.load()
REFUSED, PRECONDITION = 403, 406
Deed = Callable[[BlockingChannel], object]


@pytest.fixture
def connected(broker: Engines) -> Callable[[str], object]:
    @contextmanager
    def open_as(user: str) -> Iterator[BlockingConnection]:
        url = {"trial": broker.trial_url, "monitor": broker.district.monitor_url}.get(user) or broker.amqp_url(user)
        connection = BlockingConnection(pika.URLParameters(url))
        try:
            yield connection
        finally:
            if connection.is_open:
                connection.close()

    return open_as


def answer_to(connection: BlockingConnection, deed: Deed) -> int:
    """The broker's reply code for the deed, 0 when it was done."""
    channel = connection.channel()
    try:
        channel.confirm_delivery()
        deed(channel)
    except ChannelClosedByBroker as error:
        return int(error.reply_code)
    channel.close()
    return 0


def publishing(exchange: str, key: str, **properties: str) -> Deed:
    return lambda channel: channel.basic_publish(exchange, key, b"", pika.BasicProperties(**properties))


@pytest.mark.parametrize("caller", BUS.users)
def test_a_service_calls_what_the_table_names_and_is_refused_everything_else(caller, connected, broker) -> None:
    invented = (f"{caller}.no_such_method", "catalogue.get_item.x", "catalogue.*", "#", "nobody.knows")
    with connected(caller) as connection:
        for method in (*BUS.methods, *invented):
            expected = 0 if method in BUS.calls.get(caller, ()) else REFUSED
            assert answer_to(connection, publishing("nameko-rpc", method)) == expected, method
    broker.purge()


@pytest.mark.parametrize("service", BUS.servers)
def test_a_service_answers_only_those_who_may_have_asked(service, connected) -> None:
    with connected(service) as connection:
        for caller in BUS.users:
            key = f"reply.{caller}.{uuid.uuid4()}"
            expected = 0 if caller in BUS.callers_of(service) else REFUSED
            assert answer_to(connection, publishing("nameko-rpc", key)) == expected, caller


@pytest.mark.parametrize("caller", sorted(BUS.calls))
def test_a_caller_gets_its_own_answers_and_cannot_bind_to_listen_in(caller, connected) -> None:
    own = f"rpc.reply-{caller}-{uuid.uuid4()}"
    others = [f"reply.{user}.{uuid.uuid4()}" for user in BUS.users if user != caller]
    with connected(caller) as connection:
        connection.channel().queue_declare(own, exclusive=True)
        bind = lambda key: lambda channel: channel.queue_bind(own, "nameko-rpc", key)  # noqa: E731
        assert answer_to(connection, bind(f"reply.{caller}.{uuid.uuid4()}")) == 0
        for key in (*others, f"reply.{caller}.#", f"reply.{caller}.*", "#", "*.*", *BUS.methods, str(uuid.uuid4())):
            assert answer_to(connection, bind(key)) == REFUSED, key
        for source in BUS.events:
            refused = answer_to(connection, lambda channel, e=f"{source}.events": channel.queue_bind(own, e, "#"))
            assert refused == REFUSED, source


@pytest.mark.parametrize("user", BUS.users)
def test_a_service_declares_and_deletes_nothing_but_its_own_answer_queues(user, connected) -> None:
    deeds: list[Deed] = [
        lambda channel: channel.queue_declare("anything"),
        lambda channel: channel.queue_declare(f"rpc.reply-somebody-{uuid.uuid4()}", exclusive=True),
        lambda channel: channel.queue_declare(f"rpc.reply-{user}-else", exclusive=True),
        lambda channel: channel.queue_delete("rpc-catalogue"),
        lambda channel: channel.exchange_declare("nameko-rpc", "topic", durable=True),
        lambda channel: channel.exchange_delete("nameko-rpc"),
    ]
    with connected(user) as connection:
        assert [answer_to(connection, deed) for deed in deeds] == [REFUSED] * len(deeds)


@pytest.mark.parametrize("user", BUS.users)
def test_a_service_reads_and_empties_only_its_own_queues(user, connected, broker) -> None:
    own = {f"rpc-{user}", f"park.{user}", f"marker.{user}", *BUS.event_queues(user)} if user in BUS.servers else set()
    with connected(user) as connection:
        for queue in broker.queues():
            expected = 0 if queue in own else REFUSED
            assert answer_to(connection, lambda channel, q=queue: channel.basic_get(q, auto_ack=True)) == expected, (
                queue
            )
            assert answer_to(connection, lambda channel, q=queue: channel.queue_purge(q)) == expected, queue


@pytest.mark.parametrize("user", BUS.users)
def test_a_service_publishes_only_its_own_events_and_its_own_letters(user, connected, broker) -> None:
    with connected(user) as connection:
        for source in BUS.events:
            for event in (*BUS.event_keys(source), "Invented"):
                expected = 0 if source == user and event != "Invented" else REFUSED
                assert answer_to(connection, publishing(f"{source}.events", event)) == expected, (source, event)
        for message in BUS.courier:
            key = f"{message.source}.{message.name}"
            expected = 0 if message.source == user else REFUSED
            assert answer_to(connection, publishing("courier.outbound", key)) == expected, key
    broker.purge()


@pytest.mark.parametrize("user", BUS.users)
def test_a_service_puts_nothing_into_anybody_elses_queue_by_a_detour(user, connected, broker) -> None:
    handlers = {
        event_queue(handler): handler.partition(".")[0] for _, _, queue in BUS.deliveries() for handler in [queue[4:]]
    }
    rung = retry_name(BUS.retry_ladder[0])
    with connected(user) as connection:
        for queue, owner in handlers.items():
            expected = 0 if owner == user else REFUSED
            assert answer_to(connection, publishing(rung, queue)) == expected, queue
            assert answer_to(connection, publishing("", queue)) == REFUSED, queue
        for service in BUS.servers:
            expected = 0 if service == user else REFUSED
            assert answer_to(connection, publishing("parking", service)) == expected, service
            assert answer_to(connection, publishing("marker", service)) == expected, service
        for exchange in ("amq.topic", "amq.direct", "amq.fanout", "amq.headers", "amq.match"):
            assert answer_to(connection, publishing(exchange, "x")) == REFUSED
    broker.purge()


def test_nobody_can_pass_for_another_service(connected, broker) -> None:
    with connected("hotline") as connection:
        assert (
            answer_to(connection, publishing("nameko-rpc", "identity.get_applicant", user_id="gateway")) == PRECONDITION
        )
        assert answer_to(connection, publishing("nameko-rpc", "identity.get_applicant", user_id="hotline")) == 0
    broker.purge()


def test_the_trial_account_calls_every_method_and_does_nothing_else(connected, broker) -> None:
    with connected("trial") as connection:
        assert {answer_to(connection, publishing("nameko-rpc", method)) for method in BUS.methods} == {0}
        for exchange, key in (
            ("case_routing.events", "CaseProgressed"),
            ("courier.outbound", "hotline.TicketBounced"),
            ("", "rpc-catalogue"),
        ):
            assert answer_to(connection, publishing(exchange, key)) == REFUSED
        for queue in broker.queues():
            assert answer_to(connection, lambda channel, q=queue: channel.basic_get(q)) == REFUSED
    broker.purge()


def test_the_monitor_sees_how_deep_a_queue_is_and_can_do_nothing_with_it(connected) -> None:
    with connected("monitor") as connection:
        assert answer_to(connection, lambda channel: channel.queue_declare("rpc-catalogue", passive=True)) == 0
        for deed in (
            lambda channel: channel.basic_get("rpc-catalogue"),
            lambda channel: channel.queue_purge("rpc-catalogue"),
            publishing("nameko-rpc", "catalogue.get_item"),
        ):
            assert answer_to(connection, deed) == REFUSED


@pytest.mark.parametrize("user", [*BUS.users, "trial"])
def test_no_account_with_a_password_enters_the_couriers_vhost(user, broker) -> None:
    url = broker.trial_url if user == "trial" else broker.amqp_url(user)
    parameters = pika.URLParameters(url)
    parameters.virtual_host = COURIER_VHOST
    with pytest.raises(
        (ConnectionClosedByBroker, ProbableAuthenticationError, pika.exceptions.ProbableAccessDeniedError)
    ):
        BlockingConnection(parameters)


@pytest.mark.parametrize("password", ["", "guest", "courier.local"])
@pytest.mark.parametrize("user", ["courier.local", "guest"])
def test_an_account_without_a_password_cannot_log_in_with_one(user, password, broker) -> None:
    assert not can_connect(broker.district.broker.url(user, password, COURIER_VHOST))
    assert not can_connect(broker.district.broker.url(user, password))


def test_a_message_that_waited_on_the_ladder_comes_back_to_its_own_queue(connected, broker) -> None:
    queue = event_queue("notification.on_case_progressed")
    with connected("notification") as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish(retry_name(1), queue, b"again", mandatory=True)
        channel.basic_qos(prefetch_count=1)
        for method, _properties, body in channel.consume(queue, auto_ack=True, inactivity_timeout=10):
            assert method is not None, "nothing came back within 10 s"
            assert body == b"again"
            break
