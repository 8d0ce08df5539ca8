"""outbox_commit_order, relay_paused: what lies between a commit and the broker."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from chassis.clock import SystemClock, new_id
from chassis.database import Database
from chassis.outbox import Outbox
from google.protobuf.timestamp_pb2 import Timestamp
from tongban.hotline.v1.hotline_pb2 import TicketProgressed
from tongban_local.account import own
from tongban_local.checkout import code
from tongban_local.processes import Child, Command, wait_until

from tests.faults.client import together
from tests.faults.journal import Attempt, Outcome, Wanted
from tests.faults.kinds.handlers import doubles_possible
from tests.faults.rig import Rig
from tests.faults.row import Case, Fault
from tests.faults.trial import Result, Trial
from tests.support.transit import TRANSIT

SERVICE = "hotline"
EVENTS = 52
#: The relays' own holding time is 20 s; here the server frees what a stopped one holds after this.
HOLD_S = 2.0


class RolledBack(Exception):
    """Raised inside a transaction that is to leave nothing behind."""


def _write(
    trial: Trial, database: Database, attempts: Sequence[Attempt], *, linger_s: float = 0.0, fails: bool = False
) -> None:
    """One transaction of the hotline in which the attempts' events happen; it stays open for a while, then ends."""
    journal, citizen = trial.journal, trial.ground.client.citizen.subject
    for attempt in attempts:
        journal.sending(attempt)
    outcome = Outcome.OK
    try:
        with database.transaction() as connection:
            outbox = Outbox(connection, SERVICE, SystemClock(), new_id, TRANSIT)
            for attempt in attempts:
                now = Timestamp()
                now.GetCurrentTime()
                event = TicketProgressed(number=attempt.id, event="opened", at=now, version=1, opener_subject=citizen)
                outbox.publish(event, subject=f"ticket/{attempt.id}", version=1)
            time.sleep(linger_s)
            if fails:
                raise RolledBack
    except RolledBack:
        outcome = Outcome.FAILED
    for attempt in attempts:
        journal.heard(attempt, outcome)


# Commits in another order than ids --------------------------------------------------------------------------------------------


def commit_order(trial: Trial) -> Result:
    """Transactions that began early commit late, beside others that begin and commit meanwhile; some roll back."""
    rig = trial.rig
    rig.here[SERVICE].be(*(["by_id"] if trial.control else []))
    rig.wait_ready()
    chance = random.Random(trial.number)
    good = trial.journal.plan("event", EVENTS - 8)
    bad = trial.journal.plan("event", 8, Wanted.NOTHING)
    mixed = [(attempt, attempt.wanted is Wanted.NOTHING) for attempt in (*good, *bad)]
    chance.shuffle(mixed)
    database = Database(rig.here.place.district.runtime_url(SERVICE), pool_size=8)
    gate = threading.Semaphore(8)

    def one(attempt: Attempt, fails: bool, linger_s: float) -> None:
        with gate:
            _write(trial, database, [attempt], linger_s=linger_s, fails=fails)

    works = [
        lambda a=attempt, f=fails, s=pause: one(a, f, s)
        for (attempt, fails), pause in zip(mixed, chance.choices((0.0, 0.02, 0.3, 0.6), k=len(mixed)), strict=True)
    ]
    together(*works)
    database.close()
    trial.over()
    return trial.finish()


# Three relays, one of them stopped ---------------------------------------------------------------------------------------------


class Relays:
    """Three relays of one service, as three processes of it have them; kept from trial to trial."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.pause_file = Path(rig.folder) / "pause" / "point"
        self.pause_file.parent.mkdir(exist_ok=True)
        own(self.pause_file.parent)
        rig.here[SERVICE].stop()
        self.children = [self._start(n) for n in range(3)]

    def _start(self, n: int) -> Child:
        district, place = self._rig.here.place.district, self._rig.here.place
        options = {
            "database_url": district.runtime_url(SERVICE),
            "amqp_url": district.amqp_url(SERVICE),
            "service": SERVICE,
            "hold_s": HOLD_S,
            "poll_s": 0.5,
            "batch": 10,
            "pause_file": str(self.pause_file),
        }
        argv = (str(code().python), str(self._rig.builds / "relays.py"), json.dumps(options))
        child = Child(Command(f"relay {n}", argv, district.process_environ(), place.folder), place.log(f"relay-{n}"))
        self._rig.stack.callback(self._end, child)
        return child

    @staticmethod
    def _end(child: Child) -> None:
        if child.returncode() is None:
            os.kill(child.pid, signal.SIGCONT)
        child.kill()

    def stopped(self) -> Child | None:
        return next((child for child in self.children if _state(child.pid) == "T"), None)

    def end(self) -> None:
        self.pause_file.unlink(missing_ok=True)
        for child in self.children:
            self._end(child)


def _state(pid: int) -> str:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return stat[stat.rindex(")") + 2]


def relay_paused(trial: Trial) -> Result:
    """One of three relays stands still in the middle of a batch for longer than it may hold it, then goes on."""
    rig = trial.rig
    if trial.control:
        rig.here["notification"].be("no_inbox")
        rig.here["notification"].wait_ready()
    relays = Relays(rig)
    try:
        if trial.control:
            with doubles_possible(rig):
                return _paused(trial, relays)
        return _paused(trial, relays)
    finally:
        relays.end()
        rig.here[SERVICE].again()


def _paused(trial: Trial, relays: Relays) -> Result:
    attempts = trial.journal.plan("event", EVENTS)
    database = Database(trial.rig.here.place.district.runtime_url(SERVICE), pool_size=2)
    file = relays.pause_file
    file.write_text("after publish" if trial.number % 2 else "after confirm")
    own(file)
    for begin in range(0, EVENTS, 10):
        _write(trial, database, attempts[begin : begin + 10])
    database.close()
    wait_until(lambda: relays.stopped() is not None, "a relay to stop in the middle of a batch", 30)
    stopped = relays.stopped()
    assert stopped is not None
    time.sleep(HOLD_S + 1.0)
    os.kill(stopped.pid, signal.SIGCONT)
    trial.over()
    return trial.finish()


FAULTS = [
    Fault(
        "outbox_commit_order",
        "notice",
        {"": Case(commit_order, "the relay looks for ids greater than the greatest it has sent")},
        f"{EVENTS} transactions a trial write the hotline's outbox and stay open for 0 to 0.6 s; 8 of them roll back and must "
        "leave nothing. The transactions are the test's, with the chassis's outbox; relay and handler are the products' own.",
    ),
    Fault(
        "relay_paused",
        "notice",
        {"": Case(relay_paused, "notification has no inbox and no unique notice")},
        "Three relays of the hotline run in processes of the test, because the point at which one stops itself (SIGSTOP, after "
        f"publishing or after the confirms) needs a hook, and hold a batch for {HOLD_S:g} s at most (20 s in the field). It goes "
        "on a second after that.",
    ),
]
