"""Which names are measured together, because they share what has to be started for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tests.bench import costs, crossing, events, footprint, intake, rpc, search, switching
from tests.bench.districts import Grounds, two_districts
from tests.bench.record import Record
from tests.bench.rows import Progress, Row


@dataclass(frozen=True)
class Suite:
    """`names` as they can be asked for; `measure` attempts those that are wanted."""

    names: tuple[str, ...]
    measure: Callable[[Sequence[str], Record], None]


def _telling(name: str, record: Record) -> Progress:
    return lambda text: record.say(f"{name}: {text}")


def of_calls(names: Sequence[str], record: Record) -> None:
    record.say("a broker starts")
    with rpc.grounds() as grounds:
        for name in names:
            record.attempt(name, partial(rpc.measure, name, grounds, _telling(name, record)))


def of_events(names: Sequence[str], record: Record) -> None:
    for name in names:
        record.attempt(name, partial(events.measure, _telling(name, record)))


def of_searches(names: Sequence[str], record: Record) -> None:
    for name in names:
        record.attempt(name, partial(search.ROWS[name], _telling(name, record)))


def of_switches(names: Sequence[str], record: Record) -> None:
    for name in names:
        record.attempt(name, partial(switching.measure, _telling(name, record)))


_OF_DISTRICTS: dict[str, Callable[[Grounds, Progress], list[Row]]] = {
    "intake": intake.measure,
    "cross_district": crossing.measure,
    **{name: partial(costs.measure, name) for name in costs.ROWS},
    "footprint": footprint.measure,
}


def of_districts(names: Sequence[str], record: Record) -> None:
    record.say("two districts start")
    with two_districts() as grounds:
        for name in names:
            record.attempt(name, partial(_OF_DISTRICTS[name], grounds, _telling(name, record)))
        record.say("two districts end")


SUITES = (
    Suite(tuple(rpc.ROWS), of_calls),
    Suite(("event_throughput",), of_events),
    Suite(tuple(_OF_DISTRICTS), of_districts),
    Suite(tuple(search.ROWS), of_searches),
    Suite((switching.NAME,), of_switches),
)

#: Measured only where asked for by name: they take long.
ONLY_ASKED = (search.MILLION_ROW,)

#: Rows that are measured together with another.
COMES_WITH = {
    "cross_district_idle": "cross_district",
    "start_up_one_district": "footprint",
    "start_up_two_districts": "footprint",
}
