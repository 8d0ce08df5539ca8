"""footprint and start-up: what the processes of a district hold in memory after some work, and how soon they are ready.

Every run starts engines and services anew: one district's services once its broker is there, then those of both at once; then
applications cross, so that memory is that of processes which have done something.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from tongban_local.installation import Installation
from tongban_local.programs import BUS_SERVICES, EDGES, ENGINES, SERVICES, SINKS

from tests.bench.crossing import crossing
from tests.bench.districts import Grounds
from tests.bench.processes import Memory, memory, processes
from tests.bench.rows import Aim, Progress, Row, row

MEMORY_AIM, ONE_AIM, TWO_AIM = Aim(at_most=90), Aim(at_most=20), Aim(at_most=45)
APPLICATIONS, MINUTES = 100, 3.0
NOTE = "services only, from all brokers and databases answering until every process says that it is ready; data is there from before"

Sizes = dict[tuple[str, str], Memory]


def start_engines(grounds: Grounds) -> None:
    """Both districts stopped, then their engines ready."""
    supervisor = grounds.environment.supervisor
    for place in grounds.places:
        supervisor.stop_processes(place.code)
    for place in grounds.places:
        supervisor.start_processes(place.code, [*ENGINES, *SINKS])
    for place in grounds.places:
        place.district.wait_engines()
        for name in (*ENGINES, *SINKS):
            grounds.environment.wait_process(place.code, name)


def start_services(grounds: Grounds, places: Sequence[Installation]) -> float:
    """Seconds until every service of these districts is ready."""
    began = time.perf_counter()
    for place in places:
        grounds.environment.supervisor.start_processes(place.code, SERVICES)
    for place in places:
        for name in SERVICES:
            grounds.environment.wait_process(place.code, name)
    return time.perf_counter() - began


def start_up(grounds: Grounds) -> tuple[float, float]:
    """Seconds of one district's services, and of those of two at once."""
    start_engines(grounds)
    one = start_services(grounds, [grounds.a])
    grounds.environment.supervisor.stop_processes(grounds.a.code, SERVICES)
    return one, start_services(grounds, grounds.places)


def after_work(grounds: Grounds, applications: int) -> Sizes:
    with crossing(grounds) as work:
        work.rate(applications)
    grounds.quiet()
    return {name: memory(pids) for name, pids in processes(grounds.environment).items()}


def measure(grounds: Grounds, progress: Progress, runs: int = 3, applications: int = APPLICATIONS) -> list[Row]:
    ones, twos, sizes = [], [], []
    began, longest = time.monotonic(), 0.0
    for run in range(1, runs + 1):
        run_began = time.monotonic()
        if run_began + longest > began + 60 * MINUTES:
            break
        progress(f"run {run} of {runs}: start-up")
        one, two = start_up(grounds)
        ones.append(one)
        twos.append(two)
        progress(f"run {run} of {runs}: memory after some work")
        sizes.append(after_work(grounds, applications))
        longest = max(longest, time.monotonic() - run_began)
    largest = [max(size.rss for (_, name), size in found.items() if name in BUS_SERVICES) for found in sizes]
    return [
        row(
            "footprint",
            {"ours": largest},
            "MB",
            MEMORY_AIM,
            note=f"resident memory of the largest nameko process after {applications} applications crossed",
            details={"mb": _by_process(sizes[-1]), "district_pss_mb": _by_district(sizes)},
        ),
        row("start_up_one_district", {"ours": ones}, "s", ONE_AIM, note=f"{NOTE}; {len(SERVICES)} processes"),
        row("start_up_two_districts", {"ours": twos}, "s", TWO_AIM, note=f"{NOTE}; {2 * len(SERVICES)} processes"),
    ]


def _by_process(found: Sizes) -> dict[str, dict[str, float]]:
    """Of the last run: resident, and the share of it that a process answers for (pss)."""
    return {f"{code} {name}": {"rss": size.rss, "pss": size.pss} for (code, name), size in sorted(found.items())}


def _by_district(sizes: Sequence[Sizes]) -> dict[str, dict[str, float]]:
    """Medians of sums of pss, where a shared page counts once: services, engines (broker, database), and what stands beside them."""
    sums: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for found in sizes:
        for code in {code for code, _ in found}:
            for kind, names in (("services", (*BUS_SERVICES, *EDGES)), ("engines", ENGINES), ("sinks", SINKS)):
                sums[code][kind].append(
                    sum(size.pss for (c, name), size in found.items() if c == code and name in names)
                )
    return {code: {kind: round(median(values), 1) for kind, values in kinds.items()} for code, kinds in sums.items()}
