"""`python -m tests.bench [--only NAME …]`: measures and writes build/bench.json."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import rpc
from tests.bench.rows import Row, keep

FILE = Path(__file__).resolve().parents[2] / "build" / "bench.json"

#: Each measures some names in one set-up.
SUITES: list[tuple[tuple[str, ...], Callable[[list[str], Callable[[str], None]], list[Row]]]] = [
    (tuple(rpc.ROWS), rpc.measure),
]


def main(argv: list[str]) -> int:
    known = [name for names, _ in SUITES for name in names]
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", nargs="*", choices=known, default=known)
    wanted = parser.parse_args(argv).only
    console = Console()
    began = time.monotonic()
    for names, measure in SUITES:
        chosen = [name for name in names if name in wanted]
        if not chosen:
            continue
        with console.status("starting") as status:
            rows = measure(chosen, lambda text: status.update(f"{(time.monotonic() - began) / 60:.0f} min · {text}"))
        keep(rows, FILE)
        console.print(table(rows))
    console.print(
        f"{FILE.relative_to(Path.cwd()) if FILE.is_relative_to(Path.cwd()) else FILE}, {(time.monotonic() - began) / 60:.1f} minutes"
    )
    return 0


def table(rows: list[Row]) -> Table:
    shown = Table("row", "ours", "peer", "floor", "unit", "× peer", "× floor", "aim", box=None)
    for one in rows:
        cells = [one.ours, one.peer, one.floor, one.unit, one.ratio_to_peer, one.ratio_to_floor, one.aim]
        shown.add_row(one.name, *("–" if cell is None else str(cell) for cell in cells))
    return shown


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
