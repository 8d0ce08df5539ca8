"""Engines with the tests' own bus, databases with nothing but messaging tables, relays and subscribers as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pika
import psycopg2
import pytest
from chassis.clock import SystemClock, new_id
from chassis.database import Database, add_messaging_housekeeping, create_messaging_tables
from chassis.outbox import Outbox
from tongban.case_routing.v1.case_routing_pb2 import CaseProgressed

from services.chassis.tests.component.messaging.bus import BUS, RUNGS, SOURCE, SUBSCRIBER
from tests.support.engines import Engines, running_engines
from tests.support.transit import TRANSIT, TRANSIT_KEY

HERE = Path(__file__).parent
EVENT_QUEUE = f"evt.{SUBSCRIBER}.on_case_progressed"


class Store:
    """A service's database as a test sees it."""

    def __init__(self, url: str, owner_url: str) -> None:
        self.url, self.owner_url = url, owner_url
        self.database = Database(url)

    def rows(self, query: str, *values: Any) -> list[Any]:
        """Runs a statement as the owner of the tables, and commits."""
        url = self.owner_url.replace("+psycopg2", "")
        with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(query, values or None)
            return cursor.fetchall() if cursor.description else []

    def one(self, query: str, *values: Any) -> Any:
        return self.rows(query, *values)[0][0]

    def publish(self, *numbers: str, event: str = "accepted") -> None:
        """One transaction in which that many events of SOURCE happen."""
        with self.database.transaction() as connection:
            outbox = Outbox(connection, SOURCE, SystemClock(), new_id, TRANSIT)
            for number in numbers:
                outbox.publish(CaseProgressed(number=number, event=event), subject=f"case/{number}", version=1)

    def waiting(self) -> int:
        return self.one("SELECT count(*) FROM outbox WHERE confirmed_at IS NULL")


def wait_for(condition: Callable[[], Any], what: str, timeout_s: float = 15.0) -> Any:
    """The first true value of `condition`; fails with `what` when there is none in time."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {timeout_s:g} s"
        time.sleep(0.03)
    return value


@dataclass
class Proc:
    """A relay or a subscriber as a process of its own, as it is in a district."""

    script: str
    options: dict[str, Any]
    log: Path
    environ: dict[str, str] = field(default_factory=dict)

    def start(self, **options: Any) -> Proc:
        argv = [sys.executable, str(HERE / self.script), json.dumps({**self.options, **options})]
        with self.log.open("ab") as out:
            self.popen = subprocess.Popen(argv, stdout=out, stderr=subprocess.STDOUT)
        return self

    def signal(self, number: signal.Signals) -> None:
        if self.popen.poll() is None:
            os.kill(self.popen.pid, number)

    def stop(self) -> int:
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            return self.popen.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.script} did not end at SIGTERM:\n{self.lines()[-3000:]}") from None

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.popen.wait(10)

    def died(self, timeout_s: float = 15.0) -> int:
        """Waits for it to end by itself; its exit code."""
        return self.popen.wait(timeout_s)

    def lines(self) -> str:
        return self.log.read_text()

    def said(self) -> list[str]:
        """What it wrote, without the metrics."""
        return [line for line in self.lines().splitlines() if not line.startswith("tongban_")]

    def metric(self, name: str) -> float:
        """The last value that it wrote of a metric."""
        values = [line.split()[-1] for line in self.lines().splitlines() if line.startswith(name)]
        return float(values[-1]) if values else 0.0


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    with running_engines(BUS) as running:
        yield running


@pytest.fixture(autouse=True)
def empty_queues(engines: Engines) -> None:
    """A test sees only its own messages, and a broker that knows its relays."""
    engines.purge()
    with engines.channel() as channel:
        channel.confirm_delivery()
        for service in (SOURCE, SUBSCRIBER, "courier"):
            channel.basic_publish("marker", service, b"", pika.BasicProperties(delivery_mode=2))


def _store(engines: Engines, service: str) -> Store:
    named = engines.empty_database(service)
    store = Store(named.url, named.owner_url)

    class Op:
        """As much of alembic's `op` as the helper uses."""

        @staticmethod
        def execute(statement: str) -> None:
            store.rows(statement)

    create_messaging_tables(Op)
    add_messaging_housekeeping(Op)
    store.rows("CREATE TABLE effects (handler text, number text, event text, attempt int)")
    return store


@pytest.fixture(scope="session")
def source_store(engines: Engines) -> Iterator[Store]:
    store = _store(engines, SOURCE)
    yield store
    store.database.close()


@pytest.fixture(scope="session")
def target_store(engines: Engines) -> Iterator[Store]:
    store = _store(engines, SUBSCRIBER)
    yield store
    store.database.close()


_TABLES = "outbox, inbox, once, subject_sequence, parking_drops, effects"


@pytest.fixture
def source(source_store: Store) -> Store:
    """The database whose outbox is relayed, empty."""
    source_store.rows(f"TRUNCATE {_TABLES}")
    return source_store


@pytest.fixture
def target(target_store: Store) -> Store:
    """The database of the subscriber, with a table `effects`, empty."""
    target_store.rows(f"TRUNCATE {_TABLES}")
    return target_store


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Callable[..., Proc]]:
    """`processes("relay_process.py", …)`: started, and gone after the test whatever state it is in."""
    with ExitStack() as stack:
        count = 0

        def start(script: str, **options: Any) -> Proc:
            nonlocal count
            count += 1
            process = Proc(script, options, tmp_path / f"{count}-{script}.log").start()
            stack.callback(lambda: print(f"--- {script}", *process.said(), sep="\n"))  # shown where a test fails
            stack.callback(process.kill)
            stack.callback(process.signal, signal.SIGCONT)
            return process

        yield start


@pytest.fixture
def relay(engines: Engines, source: Store, processes: Callable[..., Proc]) -> Callable[..., Proc]:
    """`relay(crash_at="", **options)`: a relay of SOURCE, unless `service` says otherwise."""

    def start(**options: Any) -> Proc:
        service = options.pop("service", SOURCE)
        broker = engines.amqp_url(service)
        return processes("relay_process.py", database_url=source.url, amqp_url=broker, service=service, **options)

    return start


@pytest.fixture
def subscriber(engines: Engines, target: Store, processes: Callable[..., Proc]) -> Callable[..., Proc]:
    """`subscriber(**options)`: a service process that handles CaseProgressed and HandOverOffered."""

    def start(**options: Any) -> Proc:
        return processes(
            "subscriber_process.py",
            database_url=target.url,
            amqp_url=engines.amqp_url(SUBSCRIBER),
            rungs=[str(seconds) for seconds in RUNGS],
            transit_key=TRANSIT_KEY,
            **options,
        )

    return start
