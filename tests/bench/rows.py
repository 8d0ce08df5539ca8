"""One figure with what it stands beside, and the file they are kept in."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

#: What both ways of a row have in common.
DURABLE = "fsync and synchronous_commit on, quorum queues, confirms, on both sides"

#: A way to do the work once: returns a rate, or a duration; the row's unit says which.
Way = Callable[[], float]
#: Told in a few words what is being done.
Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Aim:
    """What a row is meant to reach; `at_most` bounds our own figure where there is nothing to stand beside."""

    to_peer: float | None = None
    to_floor: float | None = None
    at_most: float | None = None
    #: Durations and sizes: the ratios are bounds from above.
    less_is_better: bool = False

    def met(self, one: Row) -> bool:
        sign = -1 if self.less_is_better else 1
        found = [(one.ratio_to_peer, self.to_peer), (one.ratio_to_floor, self.to_floor)]
        enough = all(sign * (ratio or 0) >= sign * aim for ratio, aim in found if aim is not None)
        return enough and (self.at_most is None or one.ours <= self.at_most)

    def __str__(self) -> str:
        sign = "≤" if self.less_is_better else "≥"
        parts = [f"{sign} {self.to_peer:g} × peer"] if self.to_peer is not None else []
        parts += [f"{sign} {self.to_floor:g} × floor"] if self.to_floor is not None else []
        parts += [f"≤ {self.at_most:g}"] if self.at_most is not None else []
        return ", ".join(parts)


@dataclass(frozen=True)
class Row:
    """Medians of interleaved runs; `peer` and `floor` are None where there is nothing to stand beside."""

    name: str
    ours: float
    peer: float | None
    floor: float | None
    unit: str
    ratio_to_peer: float | None
    ratio_to_floor: float | None
    runs: int
    machine: str
    aim: Aim
    note: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    #: What is missing for the row to prove anything ("250 of 1,000 switches"); such a row has not met its aim.
    lacks: str = ""

    @property
    def aim_met(self) -> bool:
        return self.aim.met(self) and not self.lacks

    def as_json(self) -> dict[str, Any]:
        """As it stands in build/bench.json: the aim and whether this run met it are details."""
        figures = {name: value for name, value in vars(self).items() if name not in ("aim", "details", "lacks")}
        lacks = {"lacks": self.lacks} if self.lacks else {}
        return {**figures, "details": {"aim": str(self.aim), "aim_met": self.aim_met, **lacks, **self.details}}


def machine() -> str:
    """What this ran on; shared and noisy, which is why only ratios count."""
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}, Python {platform.python_version()}"
    )


def durability(url: str) -> dict[str, str]:
    """What the server says of itself, so that nobody has to believe the note."""
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit')")
            return dict(cursor.fetchall())
    finally:
        connection.close()


def interleave(ways: Mapping[str, Way], runs: int, progress: Progress, *, minutes: float) -> dict[str, list[float]]:
    """Every way once, then every way again: a slow minute of the machine slows them all.

    No round is begun that would end after `minutes`, if it takes as long as the longest before it; one is always made.
    """
    found: dict[str, list[float]] = {name: [] for name in ways}
    began, longest = time.monotonic(), 0.0
    for run in range(1, runs + 1):
        round_began = time.monotonic()
        if round_began + longest > began + 60 * minutes:
            break
        for name, way in ways.items():
            progress(f"run {run} of {runs}: {name}")
            found[name].append(way())
        longest = max(longest, time.monotonic() - round_began)
    return found


def fitting(rate: float, seconds: float, most: int) -> int:
    """How many of something make a run of about so many seconds at this rate; fewer on a slow machine, at most `most`."""
    return max(most // 10, min(most, round(rate * seconds)))


def row(
    name: str,
    found: Mapping[str, Sequence[float]],
    unit: str,
    aim: Aim,
    *,
    note: str = "",
    details: Mapping[str, Any] | None = None,
    lacks: str = "",
) -> Row:
    """The row of interleaved runs named `ours`, and maybe `peer` and `floor`."""
    middle = {way: statistics.median(values) for way, values in found.items()}

    def ratio(other: str) -> float | None:
        return round(middle["ours"] / middle[other], 3) if middle.get(other) else None

    return Row(
        name=name,
        ours=round(middle["ours"], 3),
        peer=round(middle["peer"], 3) if "peer" in middle else None,
        floor=round(middle["floor"], 3) if "floor" in middle else None,
        unit=unit,
        ratio_to_peer=ratio("peer"),
        ratio_to_floor=ratio("floor"),
        runs=len(found["ours"]),
        machine=machine(),
        aim=aim,
        note=note,
        lacks=lacks,
        details={
            **(details or {}),
            "each_run": {way: [round(value, 3) for value in values] for way, values in found.items()},
        },
    )


def shortfall(found: int, wanted: int, what: str) -> str:
    """What a row lacks where fewer than wanted were seen; "" where none is missing."""
    return "" if found >= wanted else f"{found:,} of {wanted:,} {what}"


def keep(rows: Sequence[Row], file: Path) -> None:
    """Writes `rows` into `file`; rows of other names stay."""
    kept = {old["name"]: old for old in json.loads(file.read_text())} if file.exists() else {}
    kept.update({new.name: new.as_json() for new in rows})
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(list(kept.values()), indent=1, ensure_ascii=False) + "\n")
