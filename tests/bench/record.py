"""What one run of the bench has done so far: rows are kept as they come, and what fails does not take the others with it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.bench.rows import Row, keep


class Record:
    """Shows on `console` what is being done, and writes `file` after each name."""

    def __init__(self, console: Console, file: Path) -> None:
        self._console, self._file = console, file
        columns = (BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        self._bar = Progress(*columns, console=console)
        self._end = math.inf
        self.rows: list[Row] = []
        self.failed: list[str] = []

    @contextmanager
    def of(self, names: Sequence[str], minutes: float) -> Iterator[None]:
        """While these are measured; none is begun later than so many minutes after the first."""
        self._end = time.monotonic() + 60 * minutes
        self._task = self._bar.add_task("", total=len(names))
        with self._bar:
            yield

    def say(self, text: str) -> None:
        self._bar.update(self._task, description=text)

    def attempt(self, name: str, make: Callable[[], list[Row]]) -> None:
        """Keeps the rows of `name`; or notes that it was not measured, and shows why."""
        self.say(name)
        if time.monotonic() > self._end:
            self._console.print(f"{name}: no time is left for it; make bench ONLY={name} measures it alone")
            self.failed.append(name)
            return
        try:
            found = make()
        except Exception:
            self._console.print_exception(max_frames=4)
            self.failed.append(name)
        else:
            self.rows += found
            keep(found, self._file)
            self._console.print(table(found, header=False))
        self._bar.advance(self._task)

    @contextmanager
    def suite(self, names: Sequence[str]) -> Iterator[None]:
        """What is started for `names`: when that fails, those not measured yet have failed."""
        done = {row.name for row in self.rows}
        try:
            yield
        except Exception:
            self._console.print_exception(max_frames=4)
            done = {row.name for row in self.rows} - done
            self.failed += [name for name in names if name not in done and name not in self.failed]


def table(rows: Sequence[Row], *, header: bool = True) -> Table:
    shown = Table(box=None, show_header=header)
    for column in ("row", "ours", "peer", "floor", "unit", "× peer", "× floor", "runs"):
        shown.add_column(column, no_wrap=True)
    shown.add_column("aim")
    shown.add_column("", no_wrap=True)
    for one in rows:
        figures = [_short(each) for each in (one.ours, one.peer, one.floor)]
        ratios = [_short(each) for each in (one.ratio_to_peer, one.ratio_to_floor)]
        met = "met" if one.aim_met else f"[bold red]{f'only {one.lacks}' if one.lacks else 'missed'}[/]"
        shown.add_row(one.name, *figures, one.unit, *ratios, str(one.runs), str(one.aim), met)
    return shown


def _short(figure: float | None) -> str:
    if figure is None:
        return "–"
    return f"{figure:.2f}" if figure < 10 else f"{figure:,.0f}"
