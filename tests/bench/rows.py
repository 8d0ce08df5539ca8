"""One figure with what it stands beside, and the file they are kept in."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

#: What both ways of a row have in common.
DURABLE = "fsync and synchronous_commit on, quorum queues, confirms, on both sides"

#: A way to do the work once: returns a rate, or a duration; the row's unit says which.
Way = Callable[[], float]


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
    aim: str
    note: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    machine: str = ""


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


def interleave(ways: Mapping[str, Way], runs: int, progress: Callable[[str], None]) -> dict[str, list[float]]:
    """Every way once, then every way again: a slow minute of the machine slows them all."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for run in range(1, runs + 1):
        for name, way in ways.items():
            progress(f"run {run} of {runs}: {name}")
            found[name].append(way())
    return found


def row(
    name: str,
    found: Mapping[str, Sequence[float]],
    unit: str,
    aim: str,
    *,
    note: str = "",
    detail: Mapping[str, Any] | None = None,
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
        aim=aim,
        note=note,
        detail={
            **(detail or {}),
            "each_run": {way: [round(value, 3) for value in values] for way, values in found.items()},
        },
        machine=machine(),
    )


def keep(rows: Sequence[Row], file: Path) -> None:
    """Writes `rows` into `file`; rows of other names stay."""
    kept = {old["name"]: old for old in json.loads(file.read_text())} if file.exists() else {}
    kept.update({new.name: asdict(new) for new in rows})
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(list(kept.values()), indent=1, ensure_ascii=False) + "\n")
