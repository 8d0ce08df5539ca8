"""rpc_sequential, rpc_window50: an echo of 64 octets to a normal service, beside stock nameko and beside bare pika.

Ours has everything that a district's service has: deadline, rights, metrics, and a span on both sides exported to a live
receiver, which is asked afterwards whether it got twice as many spans as there were calls. The three servers take turns on
the same queue of the same broker.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tongban_broker.bus import Bus

from tests.bench.line import Line
from tests.bench.receiver import CountingReceiver
from tests.bench.rows import Aim, Progress, Row, interleave, row, shortfall
from tests.bench.stand_ins import messaging_database, stand_in_service
from tests.support.engines import Engines, running_engines

BUS = Bus.of(
    {
        "calls": {"driver": ["echo.echo"]},
        "events": {"case_routing": {"CaseProgressed": ["echo.on_case_progressed"]}, "echo": {}},
        "addressed": [],
        "courier": {},
        "retry_ladder": [1],
    }
)


@dataclass(frozen=True)
class Work:
    """Calls of a run, after some that warm up; so many are under way at once."""

    window: int
    calls: int
    warm_up: int


@dataclass(frozen=True)
class Grounds:
    """A broker, and where spans go."""

    engines: Engines
    receiver: CountingReceiver


ROWS = {"rpc_sequential": Work(1, 1500, 200), "rpc_window50": Work(50, 4000, 500)}
AIM = Aim(to_peer=1.5, to_floor=0.3)
#: For each row.
MINUTES = 1.5
NOTE = (
    "peer: stock nameko 2.14.1, untraced, each publish confirmed as it comes; floor: bare pika, one client and one server;"
    " requests and answers are transient messages on the same classic queue in all three: nothing waits for a disk"
)


@contextmanager
def ours(engines: Engines, receiver: CountingReceiver) -> Iterator[Line]:
    database = messaging_database(engines, "echo")
    module = "services.chassis.tests.stand_ins.echo"
    options = {"amqp_url": engines.amqp_url("driver"), "otlp_endpoint": receiver.url}
    with (
        stand_in_service(engines, "echo", database, module, TONGBAN_OTLP_ENDPOINT=receiver.url),
        Line("tests.bench.drivers.ours", options) as line,
    ):
        yield line


@contextmanager
def pair(kind: str, url: str) -> Iterator[Line]:
    """Server and client of `kind`: stock or raw."""
    with Line(f"tests.bench.drivers.{kind}_service", url) as serving:
        serving.answer()
        with Line(f"tests.bench.drivers.{kind}_client", url) as line:
            yield line


def rate(line: Line, work: Work) -> float:
    line.ask(work.window, work.warm_up)
    return float(line.ask(work.window, work.calls))


@contextmanager
def grounds() -> Iterator[Grounds]:
    with running_engines(BUS) as engines, CountingReceiver() as receiver:
        yield Grounds(engines, receiver)


def measure(name: str, grounds: Grounds, progress: Progress, runs: int = 5) -> list[Row]:
    work, engines, receiver = ROWS[name], grounds.engines, grounds.receiver

    def run_ours() -> float:
        with ours(engines, receiver) as line:
            return rate(line, work)

    def run_pair(kind: str) -> float:
        with pair(kind, engines.broker_url) as line:
            return rate(line, work)

    before = receiver.spans
    ways = {"ours": run_ours, "peer": lambda: run_pair("stock"), "floor": lambda: run_pair("raw")}
    timings = interleave(ways, runs, progress, minutes=MINUTES)
    details = {
        "spans_received": receiver.spans - before,
        "spans_expected": len(timings["ours"]) * 2 * (work.calls + work.warm_up),
        **vars(work),
    }
    lacks = shortfall(details["spans_received"], details["spans_expected"], "spans")
    return [row(name, timings, "calls/s", AIM, note=NOTE, details=details, lacks=lacks)]
