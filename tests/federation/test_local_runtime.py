"""What `make up` promises of the engines: apart from each other, supervised, and gone when they are asked to go."""

from __future__ import annotations

import os
import signal
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pika
import psycopg2
import pytest
from pika.exceptions import AMQPConnectionError, ChannelClosedByBroker
from tongban_broker.definitions import PEER_LIMITS
from tongban_local.certificates import Authority, Pair
from tongban_local.districts import UnknownDistrict, chosen, known_districts
from tongban_local.engines import can_connect
from tongban_local.environment import Environment
from tongban_local.installation import Installation
from tongban_local.ports import is_free
from tongban_local.processes import belonging_to
from tongban_local.status import status

from tests.support.environments import running_environment

GUSU, HUANGPU = "320508", "310101"


@pytest.fixture(scope="module")
def environment() -> Iterator[Environment]:
    """Two districts without their services: what is tested here is what services stand on."""
    with running_environment([GUSU, HUANGPU], services=(), samples=False) as up:
        yield up


def courier_connection(to: Installation, pair: Pair | None, **properties: object) -> pika.BlockingConnection:
    context = ssl.create_default_context(cafile=str(to.authority))
    if pair is not None:
        context.load_cert_chain(pair.certificate, pair.key)
    parameters = pika.ConnectionParameters(
        to.host,
        to.district.port("courier"),
        "courier",
        ssl_options=pika.SSLOptions(context, to.host),
        **{"credentials": pika.credentials.ExternalCredentials(), **properties},
    )
    return pika.BlockingConnection(parameters)


def test_no_broker_account_of_one_district_is_one_of_the_other(environment: Environment) -> None:
    gusu, huangpu = environment[GUSU].district, environment[HUANGPU].district
    accounts = {
        **gusu.secrets.broker,
        "trial": gusu.secrets.trial,
        "monitor": gusu.secrets.monitor,
        "admin": gusu.secrets.admin,
    }
    for user, password in accounts.items():
        assert can_connect(gusu.broker.url(user, password)), user
        assert not can_connect(huangpu.broker.url(user, password)), user


def test_no_database_role_of_one_district_is_one_of_the_other(environment: Environment) -> None:
    gusu, huangpu = environment[GUSU].district, environment[HUANGPU].district
    urls = [url for service in gusu.bus.servers for url in (gusu.runtime_url(service), gusu.owner_url(service))]
    urls.append(f"postgresql+psycopg2://postgres:{gusu.database.password}@{gusu.host}:{gusu.database.port}/postgres")
    here, there = (f"{d.host}:{d.database.port}" for d in (gusu, huangpu))
    for url in (url.replace("+psycopg2", "") for url in urls):
        psycopg2.connect(url).close()
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(url.replace(here, there))


def test_a_peer_may_write_to_the_couriers_exchange_and_do_nothing_else(environment: Environment) -> None:
    gusu, huangpu = environment[GUSU], environment[HUANGPU]
    connection = courier_connection(huangpu, gusu.courier_client)
    channel = connection.channel()
    channel.confirm_delivery()
    channel.basic_publish("courier.in", "", b"sealed", mandatory=True)
    assert channel.queue_declare("courier.in", passive=True).method.message_count == 1
    for deed in (
        lambda c: c.basic_get("courier.in"),
        lambda c: c.queue_purge("courier.in"),
        lambda c: c.queue_declare("mine"),
        lambda c: (c.confirm_delivery(), c.basic_publish("", "courier.in", b"")),
        lambda c: c.exchange_declare("mine"),
        lambda c: c.queue_bind("courier.in", "amq.fanout"),
    ):
        with pytest.raises(ChannelClosedByBroker) as refused:
            deed(connection.channel())
        assert refused.value.reply_code == 403
    connection.close()
    reader = courier_connection(huangpu, huangpu.courier_local)
    assert reader.channel().basic_get("courier.in", auto_ack=True)[2] == b"sealed"
    reader.close()


def test_a_flooding_peer_gets_no_more_connections_than_its_share(environment: Environment) -> None:
    gusu, huangpu = environment[GUSU], environment[HUANGPU]
    share = PEER_LIMITS["max-connections"]
    with ExitStack() as held:
        for _ in range(share // 2):  # half of it for certain, whatever the broker has miscounted (infra/adr/0011)
            held.callback(courier_connection(huangpu, gusu.courier_client).close)
        with pytest.raises(AMQPConnectionError):
            for _ in range(share // 2 + 1):
                held.callback(courier_connection(huangpu, gusu.courier_client).close)
        other = courier_connection(huangpu, huangpu.courier_local)
        assert other.is_open
        other.close()


def test_the_couriers_listener_lets_nobody_in_without_the_authoritys_certificate(
    environment: Environment, tmp_path: Path
) -> None:
    huangpu = environment[HUANGPU]
    forged = Authority(tmp_path).client(Pair.at(tmp_path, "forged"), f"courier.{GUSU}")
    for pair in (None, forged):
        with pytest.raises(AMQPConnectionError):
            courier_connection(huangpu, pair)


def test_a_server_certificate_is_no_client_certificate(environment: Environment) -> None:
    with pytest.raises(AMQPConnectionError):
        courier_connection(environment[HUANGPU], environment[GUSU].server)


def test_an_account_with_a_password_has_no_rights_behind_the_couriers_listener(environment: Environment) -> None:
    gusu, huangpu = environment[GUSU], environment[HUANGPU]
    credentials = pika.PlainCredentials("gateway", huangpu.district.secrets.broker["gateway"])
    with pytest.raises(AMQPConnectionError):
        courier_connection(huangpu, gusu.courier_client, credentials=credentials)


def test_bringing_up_what_is_up_changes_no_process(environment: Environment) -> None:
    before = {(info["group"], info["name"]): info["pid"] for info in environment.supervisor.processes()}
    environment.up([GUSU, HUANGPU], services=(), samples=False)
    assert {(info["group"], info["name"]): info["pid"] for info in environment.supervisor.processes()} == before


def test_what_dies_is_started_again(environment: Environment) -> None:
    for name in ("mail", "spans", "database", "epmd", "broker"):
        killed = environment.kill(GUSU, name)
        deadline = time.monotonic() + 10
        while environment.supervisor.process(GUSU, name)["pid"] in (0, killed):
            assert time.monotonic() < deadline, name
            time.sleep(0.1)
        environment.wait_process(GUSU, name)
    environment[GUSU].district.wait_engines()


def test_everything_runs_as_the_unprivileged_account_on_its_own_address(environment: Environment) -> None:
    assert len({place.host for place in environment.places}) == len(environment.places)
    for pid in belonging_to(environment.folder):
        assert Path(f"/proc/{pid}").stat().st_uid != 0
    for place in environment.places:
        assert all(20000 <= port < 32000 for port in place.district.ports.values())


def test_status_shows_addresses_queues_and_processes_by_district(environment: Environment) -> None:
    found = status(environment)[GUSU]
    assert {"gateway", "openapi", "issuer", "amqp_trial", "links", "queues", "processes"} <= set(found)
    assert found["processes"]["broker"]["ready"] and not found["processes"]["gateway"]["ready"]
    assert found["queues"]["rpc-catalogue"] == {"messages": 0, "consumers": 0}
    assert can_connect(found["amqp_trial"])


def test_a_stopped_district_leaves_the_other_running_and_comes_back(environment: Environment) -> None:
    environment.stop_district(HUANGPU)
    assert {info["pid"] for info in environment.supervisor.processes() if info["group"] == HUANGPU} == {0}
    assert all(is_free(port, environment[HUANGPU].host) for port in environment[HUANGPU].district.ports.values())
    assert can_connect(environment[GUSU].district.monitor_url)
    environment.start_district(HUANGPU, services=())
    assert can_connect(environment[HUANGPU].district.monitor_url)


def test_nothing_is_left_after_down_and_what_was_kept_is_there_again_after_up(environment: Environment) -> None:
    ports = [(port, place.host) for place in environment.places for port in place.district.ports.values()]
    environment.down()
    assert belonging_to(environment.folder) == []
    assert all(is_free(port, host, "127.0.0.1") for port, host in ports)
    environment.up([GUSU, HUANGPU], services=(), samples=False)
    assert can_connect(environment[GUSU].district.monitor_url)


def test_what_a_killed_supervisor_leaves_behind_is_ended_by_down(environment: Environment) -> None:
    os.kill(int((environment.folder / "supervisor" / "pid").read_text()), signal.SIGKILL)
    assert belonging_to(environment.folder)
    environment.down()
    assert belonging_to(environment.folder) == []


def test_a_code_that_is_no_district_of_ours_is_refused_with_the_list() -> None:
    with pytest.raises(UnknownDistrict, match="310101 黄浦区"):
        chosen([GUSU, "110101"])


def test_the_eight_districts_have_addresses_of_their_own_and_the_partner_is_linked_to_gusu_alone() -> None:
    known = known_districts()
    assert len(known) == len({facts.host for facts in known.values()}) == 8
    partner = known["320402"]
    assert [code for code, facts in known.items() if facts.is_linked(partner)] == [GUSU]
    assert sum(facts.is_linked(known[HUANGPU]) for facts in known.values()) == 6
