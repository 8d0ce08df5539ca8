"""tracing_cost, security_cost: cross_district as it is beside cross_district without; each switch restarts the processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from tongban_local.programs import SERVICES

from tests.bench.crossing import IN_FLIGHT, WARM_UP, crossing
from tests.bench.districts import PEOPLE, Grounds
from tests.bench.rows import DURABLE, Aim, Progress, Row, fitting, interleave, row

APPLICATIONS, RUN_S = 200, 15


@dataclass(frozen=True)
class Cost:
    """One row: which processes are told what to be without it."""

    aim: Aim
    without: Mapping[str, Mapping[str, str]]
    note: str
    minutes: float


ROWS = {
    "tracing_cost": Cost(
        Aim(to_floor=0.9),
        {name: {"TONGBAN_OTLP_ENDPOINT": ""} for name in SERVICES},
        "floor: the same with no process told of a span receiver; ours pays for the receiver too, on the same machine",
        minutes=3.5,
    ),
    "security_cost": Cost(
        Aim(to_floor=0.8),
        {"courier": {"TONGBAN_COURIER_WITHOUT": "security"}},
        "floor: the same with couriers that seal, sign and check nothing (test builds only); TLS stays on in both",
        minutes=3.0,
    ),
}


def measure(name: str, grounds: Grounds, progress: Progress, runs: int = 4, most: int = APPLICATIONS) -> list[Row]:
    cost = ROWS[name]
    sizes: list[int] = []  # one, given by the first warm-up

    def with_settings(told: Mapping[str, Mapping[str, str]]) -> float:
        grounds.quiet()
        grounds.restart(told)
        with crossing(grounds) as ours:
            if not sizes:
                sizes.append(fitting(ours.warm, RUN_S, most))
            return ours.rate(sizes[0])

    ways = {
        "ours": lambda: with_settings({name: {} for name in cost.without}),
        "floor": lambda: with_settings(cost.without),
    }
    try:
        timings = interleave(ways, runs, progress, minutes=cost.minutes)
    finally:
        grounds.quiet()
        grounds.restart({name: {} for name in cost.without})
    by_run = [1 - ours / floor for ours, floor in zip(timings["ours"], timings["floor"], strict=True)]
    details = {
        "applications_a_run": sizes[0],
        "in_flight": IN_FLIGHT,
        "warm_up_after_each_restart": WARM_UP,
        "cost_percent_of_each_pair": [round(100 * each, 1) for each in by_run],
        "cost_percent_median_of_pairs": round(100 * median(by_run), 1),
    }
    note = f"{cost.note}; {DURABLE}; {PEOPLE} applicants at once, {IN_FLIGHT} under way"
    return [row(name, timings, "applications/s", cost.aim, note=note, details=details)]
