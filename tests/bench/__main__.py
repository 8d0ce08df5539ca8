"""`python -m tests.bench [--only NAME …]`: measures and writes build/bench.json. A missed aim is printed, and fails nothing."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tests.bench.record import Record, table
from tests.bench.suites import COMES_WITH, ONLY_ASKED, SUITES

#: The bench ends within 25 minutes: what would begin later on a slow machine has to be asked for by name.
LAST_BEGINS_MIN = 21.5
FILE = Path(__file__).resolve().parents[2] / "build" / "bench.json"


def main(argv: Sequence[str]) -> int:
    known = [name for suite in SUITES for name in suite.names]
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    choices, usual = [*known, *COMES_WITH], [name for name in known if name not in ONLY_ASKED]
    parser.add_argument("--only", nargs="*", choices=choices, default=usual, metavar="NAME", help=", ".join(choices))
    asked = {COMES_WITH.get(name, name) for name in parser.parse_args(argv).only}
    wanted = [name for name in known if name in asked]
    # What was started is ended on the way out, whoever wants us to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    console, began = Console(width=None if sys.stdout.isatty() else 140), time.monotonic()
    record = Record(console, FILE)
    with record.of(wanted, LAST_BEGINS_MIN):
        for suite in SUITES:
            if names := [name for name in suite.names if name in wanted]:
                with record.suite(names):
                    suite.measure(names, record)
    if record.rows:
        console.print(table(record.rows))
    for name in record.failed:
        console.print(f"{name} was not measured: see above", style="bold red")
    minutes = (time.monotonic() - began) / 60
    console.print(f"{FILE.relative_to(FILE.parents[1])}: {len(record.rows)} rows in {minutes:.1f} minutes")
    return 1 if record.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
