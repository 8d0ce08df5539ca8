"""`python -m tests.faults [--only ID …] [--trials N] [--resume]`: does harm, and writes what it came to into build/faults.json.

Trials are kept as they end (build/faults/), so a run that was broken off goes on
with `--resume`. Ends with 1 where something was lost, doubled, unexpected or silent, or a row proves nothing.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tongban_local.processes import NotReady

from tests.faults.kinds import engines, forgeries, handlers, kills, links, outboxes, requests
from tests.faults.rig import running_rig
from tests.faults.row import CONTROL_TRIALS, LEAST_TRIALS, Case, Fault, Ledger, keep
from tests.faults.trial import Ground

BUILD = Path(__file__).resolve().parents[2] / "build"
FILE, STATE = BUILD / "faults.json", BUILD / "faults"

_KINDS = (kills, handlers, requests, outboxes, engines, links, forgeries)
#: In the order in which they are run and shown.
_ORDER = (
    "kill_service", "kill_crash_point", "handler_raises", "broker_kill", "broker_wiped", "postgres_restart", "link_cut",
    "link_blackholed", "duplicates", "forged_or_altered", "poison", "same_key_again", "outbox_commit_order", "relay_paused",
)  # fmt: skip
FAULTS = {id: next(fault for kind in _KINDS for fault in kind.FAULTS if fault.id == id) for id in _ORDER}


class Session:
    """One run: a rig that is made anew after something went wrong with it."""

    def __init__(self, console: Console, stack: ExitStack) -> None:
        self._console, self._stack = console, stack
        self._rig: ExitStack | None = None
        self._ground: Ground | None = None
        self._began = time.monotonic()
        self._status = stack.enter_context(console.status("starting"))

    def say(self, text: str) -> None:
        self._status.update(f"{(time.monotonic() - self._began) / 60:.1f} min · {text}")

    def print(self, text: str) -> None:
        self._console.print(f"[dim]{(time.monotonic() - self._began) / 60:5.1f} min[/dim]  {text}")

    def ground(self, ledger: Ledger) -> Ground:
        if self._ground is None:
            self._rig = self._stack.enter_context(ExitStack())
            rig = self._rig.enter_context(running_rig(self.say))
            self._ground = Ground.of(rig, ledger.journals, self.say)
        self._ground.journals = ledger.journals
        return self._ground

    def give_up_rig(self) -> None:
        """What a trial left behind cannot be trusted."""
        if self._rig is not None:
            self._rig.close()
        self._rig = self._ground = None

    # Running ------------------------------------------------------------------------------------------------------------------

    def run(self, fault: Fault, trials: int, *, resume: bool) -> dict[str, object]:
        """Every trial of one id that is not there yet, each case with its control; the row."""
        ledger = Ledger(STATE, fault, resume=resume)
        for name, case in fault.cases.items():
            label = f"{fault.id} {name}".strip()
            self._trials(ledger, name, case, trials, label)
            self._controls(ledger, name, case, label)
            keep(ledger.row(trials), FILE)
        return ledger.row(trials)

    def _trials(self, ledger: Ledger, name: str, case: Case, trials: int, label: str) -> None:
        kept = ledger.cases[name]
        while len(kept.trials) < trials:
            self._one(ledger, name, case, f"{label}: trial {len(kept.trials) + 1} of {trials}", control=False)

    def _controls(self, ledger: Ledger, name: str, case: Case, label: str) -> None:
        kept = ledger.cases[name]
        while not kept.shown and len(kept.controls) < CONTROL_TRIALS:
            self._one(ledger, name, case, f"{label}: control {len(kept.controls) + 1}", control=True)

    def _one(self, ledger: Ledger, name: str, case: Case, label: str, *, control: bool) -> None:
        """One trial; one that came to no result is counted as abandoned and done again on a new rig, twice."""
        kept = ledger.cases[name]
        for left in (2, 1, 0):
            self.say(label)
            try:
                ground = self.ground(ledger)
                number = len(kept.controls if control else kept.trials)
                if number == 0 or control:
                    ground.rig.as_usual()
                result = case.run(ground.trial(number, control=control))
                if control:
                    self._recover(ground)
                else:
                    ground.rig.revive()
            except Exception as error:
                ledger.abandon(name, f"{label}: {type(error).__name__}: {error}"[:300])
                self.print(f"[red]{label} could not be carried out[/red]\n{traceback.format_exc()[-1500:]}")
                self.give_up_rig()
                if not left:
                    raise
                continue
            ledger.add(name, result, control=control)
            if result.verdict.bad and not control:
                self.print(f"[red]{label}: {'; '.join(result.verdict.examples[:3])}[/red]")
            return

    def _recover(self, ground: Ground) -> None:
        """The product's own builds again, and nothing left of what the control did; else the next trial gets a new rig."""
        ground.rig.as_usual()
        try:
            ground.rig.settle()
        except NotReady:
            self.give_up_rig()


def table(rows: Sequence[dict[str, object]]) -> Table:
    shown = Table("id", "trials", "attempted", "acked", "lost", "dup", "recovered", "unexpected", "silent", "first p95", "drain",
                  "abandoned", "control shows", box=None)  # fmt: skip
    for row in rows:
        control = row["control"]
        assert isinstance(control, dict)
        each = [control] if "without" in control else list(control.values())
        shows = ", ".join("/".join(str(one[name]) for name in ("lost", "dup", "unexpected", "silent")) for one in each)
        names = (
            "id",
            "trials",
            "attempted",
            "acked",
            "lost",
            "dup",
            "recovered",
            "unexpected",
            "silent",
            "t_first_p95",
            "t_drain",
            "abandoned",
        )
        shown.add_row(*("–" if row[name] is None else str(row[name]) for name in names), shows)
    return shown


def is_good(row: dict[str, object]) -> bool:
    """Nothing bad in it, and it proves something."""
    nothing = not any(row[name] for name in ("lost", "dup", "unexpected", "silent", "abandoned"))
    return nothing and "VOID" not in str(row["note"]) and "NOT ENOUGH" not in str(row["note"])


def run(ids: Sequence[str], trials: int, failed: list[str], *, resume: bool) -> Iterator[dict[str, object]]:
    """The rows, one by one; what could not be carried out is added to `failed`."""
    console = Console(highlight=False)
    with ExitStack() as stack:
        session = Session(console, stack)
        for id in ids:
            began = time.monotonic()
            try:
                row = session.run(FAULTS[id], trials, resume=resume)
            except Exception:  # the others' rows are worth having all the same
                failed.append(id)
                continue
            bad = {name: row[name] for name in ("lost", "dup", "unexpected", "silent") if row[name]}
            session.print(f"{id}: {row['trials']} trials, {bad or 'nothing bad'}, {time.monotonic() - began:.0f} s")
            yield row
    console.print()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tongban faults", description=__doc__)
    add_arguments(parser)
    return carry_out(parser.parse_args(argv))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", choices=list(FAULTS), metavar="ID", help=f"of {', '.join(FAULTS)}")
    parser.add_argument("--trials", type=int, default=LEAST_TRIALS, help="of each point or case (default: %(default)s)")
    parser.add_argument("--resume", action="store_true", help="go on where an earlier run was broken off")


def carry_out(args: argparse.Namespace) -> int:
    failed: list[str] = []
    rows = list(run(args.only or list(FAULTS), args.trials, failed, resume=args.resume))
    console = Console(highlight=False)
    console.print(table(rows))
    for row in rows:
        if any(word in str(row["note"]) for word in ("VOID", "Examples", "ABANDONED")):
            console.print(f"[yellow]{row['id']}[/yellow]: {row['note']}")
    console.print(str(FILE))
    if failed:
        console.print(f"[red]could not be carried out: {', '.join(failed)}[/red]")
    return 0 if all(map(is_good, rows)) and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
