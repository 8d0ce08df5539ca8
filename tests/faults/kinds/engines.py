"""postgres_restart, broker_kill, broker_wiped: what everything stands on goes away and comes back."""

from __future__ import annotations

from tests.faults.kinds import KILLED
from tests.faults.kinds.kills import MIXED
from tests.faults.rig import Rig
from tests.faults.row import Case, Fault
from tests.faults.side import Side
from tests.faults.trial import Result, Trial

#: A client repeats for so long: the slowest start of a broker is well below.
_HANDLERS = (("here", "notification"), ("there", "hotline"), ("there", "case_routing"))


def _side(rig: Rig, here: bool) -> Side:
    return rig.here if here else rig.there


def postgres_restart(trial: Trial) -> Result:
    """The database of one district restarts: in good order, or killed with every one of its processes."""
    rig = trial.rig
    if trial.control:
        for where, name in _HANDLERS:
            _side(rig, where == "here")[name].be("acked_failures")
        rig.wait_ready()
    side = _side(rig, here=trial.number % 2 == (1 if trial.control else 0))
    database = side.place.district.database
    asking = trial.ask(MIXED)
    trial.in_the_middle(10 + trial.number % 4 * 6)
    if trial.number // 2 % 2:
        database.kill()
    else:
        database.stop()
    database.start()
    database.wait_ready()
    trial.over()
    if side is rig.here:
        rig.end_mail_leases()
    return trial.finish(asking)


def broker_kill(trial: Trial) -> Result:
    """The broker of one district is killed and starts again with what is on its disk."""
    rig = trial.rig
    if trial.control:
        for name in ("hotline", "case_routing"):
            rig.here[name].be("no_confirms")
        rig.wait_ready()
    side = _side(rig, here=trial.control or trial.number % 2 == 0)
    asking = trial.ask(MIXED)
    trial.in_the_middle(10 + trial.number % 4 * 6)
    _restart(side, wipe=False)
    trial.over()
    return trial.finish(asking)


def broker_wiped(trial: Trial) -> Result:
    """The broker of one district is killed and starts again with an empty disk, while confirmed events lie in its queues."""
    rig = trial.rig
    rig.forget_the_settled()
    if trial.control:
        for name in ("hotline", "case_routing"):
            rig.here[name].be("no_resend")
        rig.wait_ready()
    here = trial.control or trial.number % 2 == 0
    side = _side(rig, here)
    readers = [side[name] for name in (("notification", "courier") if here else ("hotline", "case_routing"))]
    for reader in readers:
        reader.freeze()
    asking = trial.ask(MIXED)
    trial.in_the_middle(36)
    _restart(side, wipe=True)
    for reader in readers:
        reader.thaw()
    trial.over()
    return trial.finish(asking)


def _restart(side: Side, *, wipe: bool) -> None:
    broker = side.place.district.broker
    broker.kill()
    if wipe:
        broker.wipe()
    broker.start()
    side.place.district.wait_engines()


FAULTS = [
    Fault(
        "broker_kill",
        "case, ticket, notice",
        {"": Case(broker_kill, "the relays of hotline and case_routing wait for no confirm")},
        "SIGKILL to the whole RabbitMQ node of either district in turn, started again at once. " + KILLED,
    ),
    Fault(
        "broker_wiped",
        "case, ticket, notice",
        {"": Case(broker_wiped, "the relays of hotline and case_routing do not notice that the broker is empty")},
        "The node of either district in turn is killed and its data deleted, while the readers of its queues stand still, so "
        "that confirmed events are lost with it. Outbox rows of earlier trials are dropped first.",
    ),
    Fault(
        "postgres_restart",
        "case, ticket, notice",
        {"": Case(postgres_restart, "a message whose handler failed is acked")},
        "PostgreSQL of either district in turn; in half the trials a fast shutdown, in half SIGKILL to all its processes. "
        + KILLED,
    ),
]
