"""event_throughput: a fact from the transaction that caused it to the transaction that its handler did, once each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tongban_broker.bus import Bus

from services.chassis.tests.stand_ins.contract import Note
from tests.bench.by_hand import session
from tests.bench.line import Line
from tests.bench.receiver import CountingReceiver
from tests.bench.rows import DURABLE, Aim, Progress, Row, durability, fitting, interleave, row
from tests.bench.stand_ins import messaging_database, stand_in_service
from tests.support.calls import BusClient, eventually
from tests.support.engines import Engines, ServiceDatabase, running_engines

AIM = Aim(to_floor=0.5)
BUS = Bus.of(
    {
        "calls": {"driver": ["echo.echo"]},
        "events": {"echo": {"Note": ["listener.on_note"]}, "listener": {}},
        "addressed": [],
        "courier": {},
        "retry_ladder": [1],
    }
)
EVENTS, WARM_UP, OCTETS = 3000, 300, 256
#: A run of ours is made to take about so long, if that many are not too many.
RUN_S = 8
#: As the chassis has them (relay.BATCH, subscriber.AT_ONCE and PREFETCH): the floor does with the same.
AT_ONCE, BATCH, PREFETCH = 8, 250, 16
EFFECT = "CREATE TABLE effect (number bigint NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp())"


@dataclass(frozen=True)
class Halves:
    """Where facts are written, and where their effects are."""

    source: ServiceDatabase
    sink: ServiceDatabase

    @classmethod
    def made(cls, engines: Engines) -> Halves:
        return cls(messaging_database(engines, "echo"), messaging_database(engines, "listener", EFFECT))

    def clear(self) -> None:
        _execute(self.source.owner_url, "TRUNCATE outbox")
        _execute(self.sink.owner_url, "TRUNCATE inbox, effect")

    def seconds(self, events: int) -> float:
        """From the first fact's transaction to the last effect, by the database's clock, once all are there."""

        def all_there() -> bool:
            return _one(self.sink.url, "SELECT count(*) FROM effect") >= events

        eventually(all_there, 180)
        found = _one(self.sink.url, "SELECT count(*) FROM effect")
        if found != events:
            raise RuntimeError(f"{found} effects of {events} facts")
        began = _one(self.source.url, "SELECT extract(epoch FROM min(written_at)) FROM outbox")
        ended = _one(self.sink.url, "SELECT extract(epoch FROM max(at)) FROM effect")
        return float(ended - began)

    @property
    def relayed_in(self) -> int:
        """Commits of the relay: each marks its batch with the time of its transaction."""
        return int(_one(self.source.url, "SELECT count(DISTINCT confirmed_at) FROM outbox"))


def _execute(url: str, statement: str) -> None:
    with session(url) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def _one(url: str, question: str) -> Any:
    connection = session(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(question)
            return cursor.fetchone()[0]
    finally:
        connection.close()


@contextmanager
def ours(engines: Engines, halves: Halves, receiver: CountingReceiver) -> Iterator[Callable[[int], float]]:
    source = stand_in_service(
        engines, "echo", halves.source, "tests.bench.drivers.event_source", TONGBAN_OTLP_ENDPOINT=receiver.url
    )
    sink = stand_in_service(
        engines, "listener", halves.sink, "tests.bench.drivers.event_sink", TONGBAN_OTLP_ENDPOINT=receiver.url
    )
    bus = BusClient(engines)

    def run(events: int) -> float:
        halves.clear()
        wanted = Note(text=f"{events} {AT_ONCE}", content=b"x" * OCTETS)
        bus.call("echo.echo", wanted, Note, caller="driver", timeout_s=180)
        return events / halves.seconds(events)

    with source, sink:
        yield run


@contextmanager
def floor(engines: Engines, halves: Halves) -> Iterator[Callable[[int], float]]:
    queue, key = "by.hand", "ByHand"
    with engines.channel() as channel:
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
        channel.queue_bind(queue, "echo.events", key)
    common = {"amqp": engines.broker_url}
    source = {**common, "database": halves.source.url, "exchange": "echo.events", "key": key, "batch": BATCH}
    sink = {**common, "database": halves.sink.url, "queue": queue, "at_once": AT_ONCE, "prefetch": PREFETCH // AT_ONCE}
    with (
        Line("tests.bench.drivers.hand_event_sink", sink) as handling,
        Line("tests.bench.drivers.hand_event_source", source) as writing,
    ):
        handling.answer()

        def run(events: int) -> float:
            halves.clear()
            writing.ask(events, AT_ONCE, OCTETS)
            return events / halves.seconds(events)

        yield run


def measure(progress: Progress, runs: int = 5, most: int = EVENTS) -> list[Row]:
    with running_engines(BUS) as engines, CountingReceiver() as receiver:
        product, raw = Halves.made(engines), Halves.made(engines)
        with ours(engines, product, receiver) as run_ours, floor(engines, raw) as run_floor:
            events = fitting(run_ours(WARM_UP), RUN_S, most)
            run_floor(WARM_UP)
            before = receiver.spans
            batches: dict[str, list[int]] = {"ours": [], "floor": []}

            def way(run: Callable[[int], float], halves: Halves, kind: str) -> float:
                rate = run(events)
                eventually(
                    lambda: _one(halves.source.url, "SELECT count(*) FROM outbox WHERE confirmed_at IS NULL") == 0
                )
                batches[kind].append(halves.relayed_in)
                return rate

            ways = {"ours": lambda: way(run_ours, product, "ours"), "floor": lambda: way(run_floor, raw, "floor")}
            timings = interleave(ways, runs, progress, minutes=1.5)
            details = {
                "events_a_run": events,
                "commits_a_run": {kind: [2 * events + n for n in found] for kind, found in batches.items()},
                "confirmed_publishes_a_run": events,
                "spans_received": receiver.spans - before,
                **durability(raw.source.url),
            }
    note = f"{DURABLE}; {AT_ONCE} writers and {AT_ONCE} handlers at once, relay batches of at most {BATCH}; ours exports its spans"
    return [row("event_throughput", timings, "events/s", AIM, note=note, details=details)]
