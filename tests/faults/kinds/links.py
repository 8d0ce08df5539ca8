"""link_cut, link_blackholed: the road between the two districts."""

from __future__ import annotations

import time

from tests.faults.rig import Rig
from tests.faults.row import Case, Fault
from tests.faults.trial import Result, Trial

CROSSING = {"ticket": 30, "case": 22}
#: What is under way when a road breaks is gone: this long nothing arrives before the connections are reset.
LAST_S, AWAY_S = 0.4, 1.0
HOLE_S = 3.0
#: In one trial of so many, whatever ran over the road before stays dead without being told.
_FORGET_EVERY = 5


def _builds(trial: Trial) -> None:
    if trial.control:
        trial.rig.here["courier"].be("hopeful", TONGBAN_COURIER_WITHOUT="receipt")
        trial.rig.there["courier"].be("asks_for_nothing")
        trial.rig.wait_ready()


def link_cut(trial: Trial) -> Result:
    """Both directions break, twice: what is under way is lost, connections are reset, and new ones refused for a second."""
    _builds(trial)
    rig = trial.rig
    asking = trial.ask(CROSSING)
    for acked in (8, 26):
        trial.in_the_middle(acked + trial.number % 4 * 2)
        _swallow(rig)
        time.sleep(LAST_S)
        for road in rig.roads.values():
            road.cut()
        time.sleep(AWAY_S)
        for road in rig.roads.values():
            road.mend()
    trial.over()
    return trial.finish(asking)


def link_blackholed(trial: Trial) -> Result:
    """Nothing arrives and nobody is told, in both directions; afterwards the connections go on, or stay dead unnoticed."""
    _builds(trial)
    rig = trial.rig
    forget = trial.control or trial.number % _FORGET_EVERY == _FORGET_EVERY - 1
    asking = trial.ask(CROSSING)
    trial.in_the_middle(8 + trial.number % 4 * 4)
    _swallow(rig)
    time.sleep(HOLE_S)
    for road in rig.roads.values():
        road.mend(forget=forget)
    trial.over()
    return trial.finish(asking)


def _swallow(rig: Rig) -> None:
    for road in rig.roads.values():
        road.swallow()


_HOPEFUL = (
    "what was written to the peer's broker is done with (no confirm, no receipt), and nothing missing is asked for"
)
FAULTS = [
    Fault(
        "link_cut",
        "ticket, case",
        {"": Case(link_cut, _HOPEFUL)},
        "A TCP forwarder of the test between the couriers, both directions, cut twice a trial.",
    ),
    Fault(
        "link_blackholed",
        "ticket, case",
        {"": Case(link_blackholed, _HOPEFUL)},
        f"A TCP forwarder of the test holds everything for {HOLE_S:g} s; in one trial in {_FORGET_EVERY} (and in the controls) "
        "what was connected before stays dead without a word, as behind a firewall that lost its state.",
    ),
]
