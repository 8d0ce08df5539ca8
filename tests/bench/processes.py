"""What the processes of an environment cost, read from /proc: processor time and resident memory, children included (proc(5))."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tongban_local.environment import Environment

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Memory:
    """In MB of 10^6 octets. `rss` counts a shared page in every process that has it, `pss` its share of it."""

    rss: float
    pss: float


def processes(environment: Environment) -> dict[tuple[str, str], list[int]]:
    """(district, program) → its pid and those of everything it started."""
    children = _children()
    roots = {(info["group"], info["name"]): info["pid"] for info in environment.supervisor.processes() if info["pid"]}
    return {name: list(_tree(pid, children)) for name, pid in roots.items()}


def cpu_seconds(found: Mapping[tuple[str, str], Iterable[int]]) -> dict[tuple[str, str], float]:
    """Spent by each so far, in user and kernel mode, with that of ended children."""
    return {name: sum(map(_cpu, pids)) for name, pids in found.items()}


class Spent:
    """Processor time by process, while the work of `by` ran: where an application's cost lies."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._pieces = 0

    @contextmanager
    def by(self, pieces: int) -> Iterator[None]:
        before = cpu_seconds(processes(self._environment))
        yield
        after = cpu_seconds(processes(self._environment))
        for (district, name), seconds in after.items():
            self._seconds[f"{district} {name}"] += seconds - before.get((district, name), 0.0)
        self._pieces += pieces

    def found(self) -> dict[str, float]:
        """Milliseconds a piece, all together and by district and process, what is below 0.05 left out."""
        most_first = sorted(self._seconds.items(), key=lambda each: -each[1])
        by_name = {name: round(1000 * seconds / self._pieces, 1) for name, seconds in most_first}
        return {"all": round(sum(by_name.values()), 1)} | {name: spent for name, spent in by_name.items() if spent}


def memory(pids: Iterable[int]) -> Memory:
    """Of all of them together."""
    sums: dict[str, int] = defaultdict(int)
    for pid in pids:
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
                name, value, *_ = line.split()
                sums[name.rstrip(":")] += int(value)
    return Memory(round(sums["Rss"] * 1024 / 1e6, 1), round(sums["Pss"] * 1024 / 1e6, 1))


def _children() -> Mapping[int, list[int]]:
    found = defaultdict(list)
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with suppress(OSError):
                found[int(_stat(int(path.name))[1])].append(int(path.name))
    return found


def _tree(pid: int, children: Mapping[int, list[int]]) -> Iterable[int]:
    yield pid
    for child in children.get(pid, []):
        yield from _tree(child, children)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from `state` on; what stands before may hold spaces."""
    text = Path(f"/proc/{pid}/stat").read_text()
    return text[text.rindex(")") + 2 :].split()


def _cpu(pid: int) -> float:
    try:
        return sum(map(int, _stat(pid)[11:15])) * _TICK_S
    except OSError:
        return 0.0
