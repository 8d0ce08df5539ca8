"""kill_service, kill_crash_point: a process is gone from one instant to the next (SIGKILL)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tongban_local.account import own
from tongban_local.processes import wait_until

from tests.faults.kinds import KILLED
from tests.faults.rig import Rig
from tests.faults.row import Case, Fault
from tests.faults.service import Service
from tests.faults.side import Side
from tests.faults.trial import Result, Trial

MIXED = {"ticket": 22, "case": 18, "notice": 12}


def _victims(rig: Rig) -> list[Service]:
    here, there = rig.here, rig.there
    return [
        here["hotline"], here["courier"], there["courier"], there["hotline"],
        here["case_routing"], there["case_routing"], here["notification"],
    ]  # fmt: skip


def kill_service(trial: Trial) -> Result:
    """One service of one district dies while others ask it, hand it events, or wait for it; a second later it runs again."""
    rig = trial.rig
    victims = _victims(rig)
    if trial.control:
        victims = [rig.here["notification"], rig.there["hotline"], rig.there["case_routing"]]
        for victim in victims:
            victim.be("early_ack")
        rig.wait_ready()
    victim = victims[trial.number % len(victims)]
    asking = trial.ask(MIXED)
    trial.in_the_middle(10 + trial.number % 5 * 6)
    victim.kill()
    victim.again().wait_ready()
    trial.over()
    if victim.name == "notification":
        rig.end_mail_leases()
    return trial.finish(asking)


#: Point → (who dies there, which build of whom the control has, what that lacks).
_POINTS = {
    "before_commit": ("here", "late_ack", "acks what the relay hands over before it is stored"),
    "after_commit_before_ack": ("here", "forgets_sent", "does not remember what it stored"),
    "after_publish_before_confirm": ("here", "forgets_taken", "the taker does not remember what it took"),
    "after_confirm_before_marked": ("here", "forgets_taken", "the taker does not remember what it took"),
    "after_peer_commit_before_receipt": ("there", "forgets_taken", "the taker does not remember what it took"),
    "after_receipt_before_closed": ("here", "forgets_taken", "the taker does not remember what it took"),
    "while_log_written": ("here", "late_ack", "acks what the relay hands over before it is stored"),
}


def _at(point: str) -> Case:
    def run(trial: Trial) -> Result:
        return _crash(trial, point)

    return Case(run, _POINTS[point][2])


def _crash(trial: Trial, point: str) -> Result:
    """A courier of a test build dies where it is told to, by a file that names the point, in the middle of the work."""
    rig = trial.rig
    where, lacks, _ = _POINTS[point]
    orders = {side.code: _order(rig, side) for side in rig.sides.values()}
    for side in rig.sides.values():
        removed, told = _build(lacks, side is rig.here) if trial.control else ((), {})
        side["courier"].be(*removed, TONGBAN_CRASH_FILE=str(orders[side.code]), **told)
    rig.wait_ready()
    side = rig.here if where == "here" else rig.there
    victim = side["courier"]
    asking = trial.ask({"ticket": 52})
    trial.in_the_middle(8 + trial.number % 4 * 4)
    with _ordered(orders[side.code], point):
        wait_until(lambda: victim.dead, f"{victim.name} to die at {point}", 30)
    victim.again().wait_ready()
    trial.over()
    return trial.finish(asking)


def _order(rig: Rig, side: Side) -> Path:
    """Where the courier of one side finds its point: each has a file of its own, for both pass the same points."""
    folder = rig.folder / f"crash-{side.code}"
    if not folder.exists():
        folder.mkdir()
        own(folder)
    return folder / "point"


@contextmanager
def _ordered(file: Path, point: str) -> Iterator[None]:
    """The order stands whole or not at all, and no longer than the block."""
    draft = file.with_suffix(".draft")
    draft.write_text(point)
    own(draft)
    draft.rename(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _build(lacks: str, here: bool) -> tuple[tuple[str, ...], dict[str, str]]:
    """What the courier of one side lacks: what it sends is Gusu's matter, what it takes Huangpu's."""
    if here == (lacks == "forgets_taken"):
        return (), {}
    return ((), {"TONGBAN_COURIER_WITHOUT": lacks}) if lacks == "late_ack" else ((lacks,), {})


FAULTS = [
    Fault(
        "kill_service",
        "case, ticket, notice",
        {"": Case(kill_service, "events are acked when they come, before their handlers commit")},
        "SIGKILL to hotline, case_routing, notification or courier of either district in turn, started again at once. "
        + KILLED,
    ),
    Fault(
        "kill_crash_point",
        "ticket",
        {point: _at(point) for point in _POINTS},
        "The courier kills itself (SIGKILL) at the named point of its own code, by a setting that is refused outside trials. "
        + KILLED,
    ),
]
