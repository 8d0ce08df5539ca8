"""A row of build/faults.json: what is tried, how often, beside which control; kept after every trial, so that a run can go on."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.compare import Verdict
from tests.faults.trial import Result, Trial

LEAST_TRIALS = 20
#: A control that shows nothing is tried this often before the row is void.
CONTROL_TRIALS = 12
_COUNTS = ("attempted", "acked", "lost", "dup", "recovered", "unexpected", "silent")
_BAD = ("lost", "dup", "unexpected", "silent")

Run = Callable[[Trial], Result]


@dataclass(frozen=True)
class Case:
    """One point or case of a fault. `without` says which protection its control lacks."""

    run: Run
    without: str


@dataclass(frozen=True)
class Fault:
    """One kind of harm: a row of the results."""

    id: str
    flow: str
    cases: Mapping[str, Case]
    note: str


@dataclass
class Kept:
    """What is known of one case so far."""

    trials: list[dict[str, Any]] = field(default_factory=list)
    controls: list[dict[str, Any]] = field(default_factory=list)
    #: Why a trial or a control came to no result and was done again: a service that never got ready, for example.
    abandoned: list[str] = field(default_factory=list)

    def add(self, result: Result, *, control: bool) -> None:
        (self.controls if control else self.trials).append(asdict(result))

    @property
    def shown(self) -> bool:
        """Whether the control shows what the protection is for."""
        return any(trial["verdict"][name] for trial in self.controls for name in _BAD)


class Ledger:
    """The file of one row's trials, and the rows that are made of such files."""

    def __init__(self, folder: Path, fault: Fault, *, resume: bool) -> None:
        self._file, self.fault = folder / f"{fault.id}.json", fault
        kept = json.loads(self._file.read_text()) if resume and self._file.exists() else {}
        self.cases = {name: Kept(**kept.get(name, {})) for name in fault.cases}
        if not resume:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{fault.id}.journal.jsonl").unlink(missing_ok=True)

    @property
    def journals(self) -> Path:
        return self._file.with_suffix(".journal.jsonl")

    def add(self, case: str, result: Result, *, control: bool) -> None:
        self.cases[case].add(result, control=control)
        self._write()

    def abandon(self, case: str, why: str) -> None:
        self.cases[case].abandoned.append(why)
        self._write()

    def _write(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps({name: asdict(kept) for name, kept in self.cases.items()}))

    def row(self, wanted: int = LEAST_TRIALS) -> dict[str, Any]:
        """What every trial of it came to; its note says what is unfinished or void."""
        trials = [trial for kept in self.cases.values() for trial in kept.trials]
        total = _total(trials)
        firsts = sorted(trial["t_first"] for trial in trials if trial["t_first"] is not None)
        return {
            "id": self.fault.id,
            "flow": self.fault.flow,
            "trials": len(trials),
            **{name: getattr(total, name) for name in _COUNTS},
            "t_first_p95": _p95(firsts),
            "abandoned": sum(len(kept.abandoned) for kept in self.cases.values()),
            "t_drain": round(max((trial["t_drain"] for trial in trials), default=0.0), 2),
            "control": self._control(),
            "note": " ".join(self._notes(total, wanted)),
        }

    def _control(self) -> dict[str, Any]:
        found = {name: self._of_control(name, kept) for name, kept in self.cases.items()}
        return found[""] if set(found) == {""} else found

    def _of_control(self, name: str, kept: Kept) -> dict[str, Any]:
        total = _total(kept.controls)
        counts = {count: getattr(total, count) for count in ("attempted", "acked", *_BAD)}
        return {"without": self.fault.cases[name].without, "trials": len(kept.controls), **counts}

    def _notes(self, total: Verdict, wanted: int) -> list[str]:
        notes = [self.fault.note]
        if set(self.cases) != {""}:
            each = [
                f"{name}: {len(kept.trials)} trials, {_total(kept.trials).bad} bad" for name, kept in self.cases.items()
            ]
            notes.append(f"Each case: {'; '.join(each)}.")
        k = min((len(kept.trials) for kept in self.cases.values()), default=0)
        if total.bad == 0 and k:
            where = " in each case" if len(self.cases) > 1 else ""
            notes.append(f"{k} trials{where} with nothing lost say: below 3/{k} of such faults lose anything.")
        if total.mail_copies:
            notes.append(
                f"{total.mail_copies} mails came as two identical copies under one Message-ID (a process killed between the "
                "server's 250 and its own commit; SMTP offers no better), which are not counted as doubles."
            )
        if total.examples:
            notes.append("Examples: " + "; ".join(total.examples[:5]) + ".")
        if reasons := [why for kept in self.cases.values() for why in kept.abandoned]:
            notes.append(f"ABANDONED {len(reasons)}, look why before the row is believed: {'; '.join(reasons[:3])}.")
        short = [name or "it" for name, kept in self.cases.items() if len(kept.trials) < max(wanted, LEAST_TRIALS)]
        if short:
            notes.append(f"NOT ENOUGH TRIALS (at least {max(wanted, LEAST_TRIALS)}): {', '.join(short)}.")
        void = [name or "its control" for name, kept in self.cases.items() if not kept.shown]
        if void:
            notes.append(f"VOID, the control shows nothing: {', '.join(void)}.")
        return [note for note in notes if note]


def _total(trials: list[dict[str, Any]]) -> Verdict:
    total = Verdict()
    for trial in trials:
        total.add(Verdict(**trial["verdict"]))
    return total


def _p95(values: list[float]) -> float | None:
    return round(values[math.ceil(0.95 * len(values)) - 1], 2) if values else None


def keep(row: Mapping[str, Any], file: Path) -> None:
    """Writes `row` into `file`; rows of other ids stay."""
    rows = {old["id"]: old for old in json.loads(file.read_text())} if file.exists() else {}
    rows[row["id"]] = row
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(list(rows.values()), indent=1, ensure_ascii=False) + "\n")
