"""A real RabbitMQ with its Prometheus plugin says what rules and dashboards ask it, about the queues that they name."""

from __future__ import annotations

import re
import secrets
import shutil
import urllib.request
from collections.abc import Iterator

import pytest
from tongban_broker.bus import Bus
from tongban_broker.definitions import Accounts, definitions, queue_names
from tongban_broker.rights import COURIER_VHOST, VHOST
from tongban_local.account import own_folder
from tongban_local.broker_node import Broker
from tongban_local.checkout import linked
from tongban_local.guard import Guard
from tongban_local.ports import free_port
from tongban_local.processes import wait_until
from tongban_observability.alerts import rules
from tongban_observability.registry import Registry

HOST = "127.0.0.1"
QUEUES = {name for vhost in (VHOST, COURIER_VHOST) for name in queue_names(Bus.load(), vhost)}
#: What Prometheus is told to scrape (README.md): totals, and two families queue by queue.
PAGES = ("/metrics", "/metrics/detailed?family=queue_coarse_metrics&family=queue_consumer_count")


@pytest.fixture(scope="module")
def said() -> Iterator[str]:
    """Both pages of a district's broker that has just started."""
    folder = own_folder(linked("tests") / secrets.token_hex(4))
    guard = Guard(folder)
    try:
        port = free_port(HOST)
        node = _written(Broker.create(folder / "broker", HOST, mark=folder), port)
        node.start()
        try:
            node.wait_ready("hotline", "secret")
            # A queue's figures come with its first statistics, seconds after it was declared.
            wait_until(lambda: len(_queues(_both(port))) >= len(QUEUES), "the broker's statistics", 60)
            yield _both(port)
        finally:
            node.kill()
    finally:
        guard.release()
        shutil.rmtree(folder, ignore_errors=True)


def _written(node: Broker, port: int) -> Broker:
    bus = Bus.load()
    node.write(definitions(bus, Accounts(dict.fromkeys(bus.users, "secret"))))
    (node.folder / "enabled_plugins").write_text("[rabbitmq_auth_mechanism_ssl,rabbitmq_prometheus].\n")
    with (node.folder / "rabbitmq.conf").open("a") as configuration:
        configuration.write(f"prometheus.tcp.ip = {HOST}\nprometheus.tcp.port = {port}\n")
    return node


def _both(port: int) -> str:
    return "\n".join(_page(port, page) for page in PAGES)


def _queues(said: str) -> set[str]:
    return set(re.findall(r'^rabbitmq_detailed_queue_messages\{vhost="[a-z]+",queue="([^"]+)"\}', said, re.M))


def _page(port: int, page: str) -> str:
    with urllib.request.urlopen(f"http://{HOST}:{port}{page}", timeout=30) as answer:
        return str(answer.read().decode())


def test_every_metric_of_the_broker_that_the_registry_names_is_there(said: str) -> None:
    wanted = {name for name in Registry.load().foreign if name.startswith("rabbitmq_")}
    assert {name for name in wanted if not re.search(rf"^{name}(\{{| )", said, re.M)} == set()


def test_every_choice_of_queues_in_a_rule_chooses_some_by_their_labels(said: str) -> None:
    queues = _queues(said)
    assert queues == QUEUES
    asked = " ".join(rule["expr"] for _, rule in rules())
    choices = re.findall(r'queue=~"([^"]+)"', asked)
    assert choices
    assert [choice for choice in choices if not any(re.fullmatch(choice, queue) for queue in queues)] == []
