"""Engines with the tests' own bus, stand-in services as processes, and a client that sends whatever it is told to."""

from __future__ import annotations

import gzip
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pika
import psycopg2
import pytest
from chassis.database import add_messaging_housekeeping, create_messaging_tables
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tongban_broker.bus import Bus
from tongban_local.checkout import ROOT
from tongban_local.ports import free_port

from services.chassis.tests.stand_ins.contract import METHODS
from tests.support.engines import Engines, ServiceDatabase, running_engines
from tests.support.samples import sample

SNAKE = [{"ForClerks": "for_clerks", "WhoAmI": "who_am_i"}.get(name, name.lower()) for name in METHODS]

#: front calls echo and gone, echo calls other and hears of cases; nobody listens to echo.
BUS = Bus.of(
    {
        "calls": {
            "front": [*(f"echo.{method}" for method in SNAKE), "gone.echo"],
            "echo": [*(f"other.{method}" for method in SNAKE), "gone.wait"],
        },
        "events": {
            "case_routing": {"CaseProgressed": ["echo.on_case_progressed"], "HandOverTaken": []},
            "echo": {"Note": []},
        },
        "addressed": [],
        "courier": {},
        "retry_ladder": (1, 60),
    }
)


def pytest_collection_finish() -> None:
    """The tests here are ordinary threads: patched for greenlets, the first server of theirs would stand still for ever."""
    if "eventlet" in sys.modules and sys.modules["eventlet"].patcher.is_monkey_patched("socket"):
        raise pytest.UsageError(
            "a test module here imports chassis.green, which patches the process (chassis.rpc does)"
        )


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    with running_engines(BUS) as running:
        yield running


@pytest.fixture(scope="session")
def echo_database(engines: Engines) -> ServiceDatabase:
    """A database with nothing but the messaging tables."""
    database = engines.empty_database("echo")

    class Op:
        """As much of alembic's `op` as the helper uses."""

        @staticmethod
        def execute(statement: str) -> None:
            owner = psycopg2.connect(database.owner_url.replace("+psycopg2", ""))
            with closing(owner), owner, owner.cursor() as cursor:
                cursor.execute(statement)

    create_messaging_tables(Op)
    add_messaging_housekeeping(Op)
    return database


@pytest.fixture(autouse=True)
def empty_queues(engines: Engines) -> None:
    """A test sees only its own messages."""
    engines.purge()


def wait_for(condition: Callable[[], Any], what: str, timeout_s: float = 15.0) -> Any:
    """The first true value of `condition`; fails with `what` when there is none in time."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {timeout_s:g} s"
        time.sleep(0.03)
    return value


class Proc:
    """A stand-in as a process of its own."""

    def __init__(self, module: str, arguments: tuple[str, ...], environ: dict[str, str], log: Path) -> None:
        argv = [sys.executable, "-m", f"services.chassis.tests.stand_ins.{module}", *arguments]
        self.log = log
        self.health = environ.get("TONGBAN_HEALTH_ADDRESS", "")
        with log.open("wb") as out:
            self.popen = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT, env=environ, cwd=ROOT
            )

    def said(self, words: str, timeout_s: float = 20.0) -> str:
        """What it has written, once `words` are among it."""

        def look() -> bool:
            assert self.popen.poll() is None or words in self.output, (
                f"it ended without {words!r}:\n{self.output[-3000:]}"
            )
            return words in self.output

        wait_for(look, f"{words!r} in\n{self.output[-3000:]}", timeout_s)
        return self.output

    @property
    def output(self) -> str:
        return self.log.read_text()

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    def sample(self, metric: str, /, **labels: str) -> float:
        """What its page of metrics says; it was started with an address for it."""
        with urllib.request.urlopen(f"http://{self.health}/metrics", timeout=5) as answer:
            return sample(answer.read().decode(), metric, **labels)

    def tell(self, line: str = "") -> None:
        """Writes a line to its standard input."""
        assert self.popen.stdin is not None
        self.popen.stdin.write(line.encode() + b"\n")
        self.popen.stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        if self.alive:
            os.kill(self.popen.pid, number)

    def ended(self, timeout_s: float = 20.0) -> int:
        """Waits for it to end by itself; its exit code."""
        try:
            return self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end:\n{self.output[-3000:]}") from None

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.popen.wait(10)
        assert self.popen.stdin is not None
        self.popen.stdin.close()


StartProc = Callable[..., Proc]


@pytest.fixture(scope="session")
def journal_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stand_ins") / "journal"


@pytest.fixture
def journal(journal_file: Path) -> Path:
    """Where stand-ins write down each run of their slow method; empty at the start of a test."""
    journal_file.write_text("")
    return journal_file


class Starter:
    """Starts stand-ins with the settings that a service process gets in a district."""

    def __init__(self, engines: Engines, database: ServiceDatabase, journal: Path, folder: Path) -> None:
        self._engines, self._database, self._journal, self._folder = engines, database, journal, folder
        self._stack = ExitStack()
        self._count = 0

    def __call__(
        self, module: str, service: str = "echo", *arguments: str, ready: str = "serving", **extra: str
    ) -> Proc:
        self._count += 1
        environ = {
            **self._engines.district.service_environ(service),
            "TONGBAN_DATABASE_URL": self._database.url,
            "TONGBAN_JOURNAL": str(self._journal),
            "TONGBAN_RETRY_LADDER": "1,60",
            "PYTHONPATH": str(ROOT),
            **extra,
        }
        process = Proc(module, arguments, environ, self._folder / f"{self._count}-{module}.log")
        self._stack.callback(
            lambda: print(f"--- {module} {service}", process.output[-6000:], sep="\n")
        )  # shown on failure
        self._stack.callback(process.kill)
        process.said(ready)
        return process

    def __enter__(self) -> Starter:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


@pytest.fixture
def start(engines: Engines, echo_database: ServiceDatabase, journal: Path, tmp_path: Path) -> Iterator[StartProc]:
    """`start("echo", "other", TONGBAN_MAX_WORKERS="5")`: a stand-in under a service's name; gone after the test."""
    with Starter(engines, echo_database, journal, tmp_path) as starter:
        yield starter


@pytest.fixture(scope="module")
def echo(
    engines: Engines, echo_database: ServiceDatabase, journal_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proc]:
    """Our stand-in, serving for a whole module: what one test sends it must not trouble the next."""
    with Starter(engines, echo_database, journal_file, tmp_path_factory.mktemp("echo")) as starter:
        host = engines.district.host
        process = starter("echo", TONGBAN_HEALTH_ADDRESS=f"{host}:{free_port(host)}")
        wait_consumer(engines, "rpc-echo")
        yield process


def wait_consumer(engines: Engines, queue: str, count: int = 1) -> None:
    def consumers() -> bool:
        with engines.channel() as channel:
            return channel.queue_declare(queue, passive=True).method.consumer_count >= count

    wait_for(consumers, f"{count} consumer of {queue}")


@pytest.fixture
def stock(start: StartProc, engines: Engines) -> Iterator[Callable[..., Proc]]:
    """`stock()`: the stand-in as stock nameko runs it, under a name that is not in our table, with an admin's rights."""

    def begin(**extra: str) -> Proc:
        return start("stock", "echo", TONGBAN_AMQP_URL=engines.broker_url, TONGBAN_SERVICE_NAME="stock", **extra)

    yield begin
    with engines.channel() as channel:
        for queue in ("rpc-stock", "evt-stock_source-happened--stock.on_happened"):
            channel.queue_delete(queue)
        channel.exchange_delete("stock.events")
        channel.exchange_delete("stock_source.events")


class Sender:
    """Sends a call with exactly the properties it is told, and waits for what comes back."""

    def __init__(self, url: str, user: str | None) -> None:
        self.connection = pika.BlockingConnection(pika.URLParameters(url))
        self.channel = self.connection.channel()
        self.user = user
        unique = str(uuid4())
        name = user or "standalone_rpc_proxy"
        self.reply_to = f"reply.{user}.{unique}" if user else unique
        self.queue = self.channel.queue_declare(f"rpc.reply-{name}-{unique}", exclusive=True).method.queue
        self.channel.queue_bind(self.queue, "nameko-rpc", self.reply_to)
        self.answers: dict[str, tuple[pika.BasicProperties, bytes]] = {}
        self.channel.basic_consume(self.queue, self._keep, auto_ack=True)

    def close(self) -> None:
        with suppress(pika.exceptions.AMQPError):  # some tests end the broker
            self.connection.close()

    def _keep(self, _: Any, __: Any, properties: pika.BasicProperties, body: bytes) -> None:
        self.answers[properties.correlation_id] = (properties, body)

    def send(self, method: str, body: Any = None, **properties: Any) -> str:
        """Publishes to `method`; returns the correlation id. A property given as None is left out."""
        if not isinstance(body, bytes):
            body = json.dumps({"args": [body or {}], "kwargs": {}}).encode()
        given = {
            "content_type": "application/json",
            "reply_to": self.reply_to,
            "correlation_id": str(uuid4()),
            "user_id": self.user,
            **properties,
        }
        self.channel.basic_publish("nameko-rpc", method, body, pika.BasicProperties(**given))
        return given["correlation_id"]

    def raw_answer(self, correlation_id: str, timeout_s: float = 10.0) -> tuple[pika.BasicProperties, bytes] | None:
        """The answer as it came; None when there is none in time."""
        until = time.monotonic() + timeout_s
        while correlation_id not in self.answers and time.monotonic() < until:
            self.connection.process_data_events(0.05)
        return self.answers.pop(correlation_id, None)

    def answer(self, correlation_id: str, timeout_s: float = 10.0) -> dict[str, Any] | None:
        """The answer, decoded from JSON; None when there is none in time."""
        found = self.raw_answer(correlation_id, timeout_s)
        return None if found is None else json.loads(found[1])

    def call(self, method: str, body: Any = None, **properties: Any) -> dict[str, Any]:
        answer = self.answer(self.send(method, body, **properties))
        assert answer is not None, f"no answer from {method}"
        return answer


@pytest.fixture
def front(engines: Engines) -> Iterator[Sender]:
    """As the service `front`, with just its rights."""
    sender = Sender(engines.amqp_url("front"), "front")
    yield sender
    sender.close()


@pytest.fixture
def stranger(engines: Engines) -> Iterator[Sender]:
    """As an admin, who may send anything anywhere, without saying who it is."""
    sender = Sender(engines.broker_url, None)
    yield sender
    sender.close()


@pytest.fixture
def client(start: StartProc) -> Callable[..., list[dict[str, Any]]]:
    """`client([["echo", "echo", "hi", 0, 5]] * 50)`: calls made at once by one process of ours as `front`; their outcomes."""

    def run(calls: list[list[Any]], service: str = "front") -> list[dict[str, Any]]:
        process = start("client", service, json.dumps({"calls": calls}), ready="connected")
        assert process.ended(60) == 0, process.output
        return json.loads(process.output.splitlines()[-1])

    return run


@pytest.fixture
def spans() -> Iterator[tuple[str, Callable[[], list[Any]]]]:
    """A collector: its URL, and the spans that it got."""
    requests: list[bytes] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            requests.append(gzip.decompress(body) if self.headers["content-encoding"] else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    def received() -> list[Any]:
        exports = [ExportTraceServiceRequest.FromString(body) for body in requests]
        return [span for e in exports for r in e.resource_spans for s in r.scope_spans for span in s.spans]

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", received
    server.shutdown()
    server.server_close()
