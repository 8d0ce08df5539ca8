"""rpc_sequential, rpc_window50: an echo of 64 octets to a normal service, beside stock nameko and beside bare pika.

Ours has everything that a district's service has: deadline, rights, metrics, and a span on both sides exported to a live
receiver, which is asked afterwards whether it got twice as many spans as there were calls. The three servers take turns on
the same queue of the same broker.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from tongban_broker.bus import Bus
from tongban_local.checkout import code

from tests.bench.receiver import CountingReceiver
from tests.bench.rows import Row, interleave, row
from tests.support.engines import Engines, running_engines
from tests.support.services import start_service

BUS = Bus.of(
    {
        "calls": {"driver": ["echo.echo"]},
        "events": {"case_routing": {"CaseProgressed": ["echo.on_case_progressed"]}, "echo": {}},
        "addressed": [],
        "courier": {},
        "retry_ladder": [1],
    }
)
ROWS = {"rpc_sequential": (1, 1500), "rpc_window50": (50, 5000)}
AIM = "≥ 1.5 × stock nameko, ≥ 0.3 × raw"


class Line:
    """A driver process: a question a line in, an answer a line out."""

    def __init__(self, module: str, *argv: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", module, *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, *question: object) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return float(self.answer())

    def answer(self) -> object:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a driver ended with {self._process.wait(10)}")
        return json.loads(line)

    def close(self) -> None:
        """Ends it; drivers end with their input, servers by SIGTERM."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            self._process.wait(10)


@contextmanager
def ours(engines: Engines, receiver: CountingReceiver) -> Iterator[Line]:
    database = engines.empty_database("echo")
    from chassis.database import create_messaging_tables
    from sqlalchemy import create_engine, text

    with create_engine(database.owner_url).begin() as connection:

        class Op:
            """As much of alembic's `op` as the helper uses."""

            @staticmethod
            def execute(statement: str) -> None:
                connection.execute(text(statement) if isinstance(statement, str) else statement)

        create_messaging_tables(Op)
    service = start_service(
        engines,
        "echo",
        database,
        {
            "TONGBAN_OTLP_ENDPOINT": receiver.url,
            "PYTHONPATH": os.pathsep.join([str(code().root), code().environ().get("PYTHONPATH", "")]),
        },
        "services.chassis.tests.stand_ins.echo",
    )
    options = {"amqp_url": engines.amqp_url("driver"), "otlp_endpoint": receiver.url}
    line = Line("tests.bench.drivers.ours", json.dumps(options))
    try:
        yield line
    finally:
        line.close()
        service.stop()


@contextmanager
def pair(engines: Engines, server: str, client: str, url: str) -> Iterator[Line]:
    with ExitStack() as stack:
        serving = Line(server, engines.broker_url)
        stack.callback(serving.close)
        serving.answer()
        line = Line(client, url)
        stack.callback(line.close)
        yield line


def measure(names: list[str], progress: Callable[[str], None], runs: int = 5) -> list[Row]:
    found = []
    with running_engines(BUS) as engines, CountingReceiver() as receiver:
        for name in names:
            window, calls = ROWS[name]
            expected = 0

            def run_ours(window: int = window, calls: int = calls) -> float:
                nonlocal expected
                with ours(engines, receiver) as line:
                    line.ask(window, 200 if window == 1 else 500)
                    rate = line.ask(window, calls)
                expected += 2 * (calls + (200 if window == 1 else 500))
                return rate

            def run_pair(kind: str, url: str, window: int = window, calls: int = calls) -> float:
                with pair(
                    engines, f"tests.bench.drivers.{kind}_service", f"tests.bench.drivers.{kind}_client", url
                ) as line:
                    line.ask(window, 200 if window == 1 else 500)
                    return line.ask(window, calls)

            before = receiver.spans
            ways = {
                "ours": run_ours,
                "peer": lambda: run_pair("stock", engines.broker_url),
                "floor": lambda: run_pair("raw", engines.broker_url),
            }
            timings = interleave(ways, runs, lambda text, name=name: progress(f"{name}, {text}"))
            detail = {
                "spans_received": receiver.spans - before,
                "spans_expected": expected,
                "window": window,
                "calls_a_run": calls,
            }
            found.append(
                row(
                    name,
                    timings,
                    "calls/s",
                    AIM,
                    note="peer: stock nameko 2.14.1, untraced; floor: bare pika",
                    detail=detail,
                )
            )
    return found
