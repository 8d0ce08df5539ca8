"""forged_or_altered: what comes over the link and is not what its named sender meant for us."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from courier import keys, registry_file
from courier.domain import envelope
from courier.domain.canonical import digest
from courier.domain.registry import State
from tongban_local.prepare import run_service_command
from tongban_local.processes import wait_until

from tests.faults.compare import Found
from tests.faults.journal import Attempt, Journal, Outcome, Wanted
from tests.faults.kinds.forger import FAR, Forger, TrueForger, alterations, newest_registry
from tests.faults.kinds.handlers import envelopes, write_envelopes
from tests.faults.rig import Rig
from tests.faults.row import Case, Fault
from tests.faults.side import GUSU, Side
from tests.faults.trial import Result, Trial

GENUINE = 24


# What shows of them -------------------------------------------------------------------------------------------------------------


def _watch(trial: Trial, forger: Forger) -> None:
    trial.also.append(lambda found: _show(trial, forger, found))


def _show(trial: Trial, forger: Forger, found: Found) -> None:
    """Refusals, quarantine and log of Huangpu's courier, by the ids that stand in the envelopes."""
    there, since = trial.rig.there, trial.witness.since
    for (start,) in there.rows("courier", "SELECT start FROM quarantine WHERE at >= %s", since):
        if (id := forger.ids.get(_id_in(bytes(start)))) is not None:
            found.show(id, "quarantine")
    ids = list(forger.ids)
    for id, code in there.rows(
        "courier", "SELECT id::text, code FROM received WHERE verdict = 'refused' AND id = ANY(%s::uuid[])", ids
    ):
        found.show(forger.ids[id], f"refused: {code}")
    for (id,) in there.rows(
        "courier", "SELECT id::text FROM log WHERE kind = 'accepted' AND id = ANY(%s::uuid[])", ids
    ):
        found.effects[forger.ids[id], "accepted there"] += 1


def _id_in(start: bytes) -> str:
    """The message's id in the first octets of an envelope, of which quarantine keeps no more."""
    try:
        payload = start.split(b".")[1]
        whole = payload[: len(payload) // 4 * 4]
        text = base64.urlsafe_b64decode(whole + b"=" * (-len(whole) % 4)).decode("utf-8", "replace")
        return text.partition('"id":"')[2][:36]
    except (IndexError, ValueError):
        return ""


@contextmanager
def _forging(trial: Trial, *, bare: bool) -> Iterator[None]:
    """Builds for the trial; afterwards what was taken or answered under far numbers is out of Huangpu's books again."""
    rig = trial.rig
    if trial.control and bare:
        for side in rig.sides.values():
            side["courier"].be(TONGBAN_COURIER_WITHOUT="security")
        rig.wait_ready()
    try:
        yield
    finally:
        if trial.control or not bare:
            _forget_far(rig)


def _forget_far(rig: Rig) -> None:
    there = rig.there
    there["courier"].stop()
    for statement in (
        "DELETE FROM received WHERE source = %s AND number >= %s",
        "DELETE FROM held WHERE source = %s AND at IS NOT NULL AND subject_seq > 0 AND %s > 0",
    ):
        there.rows("courier", statement, GUSU, FAR)
    there.rows("courier", "DELETE FROM arrival WHERE epoch > (SELECT max(epoch) FROM received WHERE source = %s)", GUSU)
    there.rows(
        "courier", "UPDATE arrival SET highest = contiguous, claimed = contiguous, gap_since = NULL, asked_at = NULL"
    )
    there["courier"].again().wait_ready()


def _send(trial: Trial, made: Sequence[tuple[Attempt, bytes]], giver: Side, taker: Side) -> None:
    for attempt, _ in made:
        trial.journal.sending(attempt)
    write_envelopes(giver, taker, [wire for _, wire in made])
    for attempt, _ in made:
        trial.journal.heard(attempt, Outcome.UNKNOWN, "the broker has it")


def _settle_genuine(trial: Trial, count: int) -> None:
    """Good tickets cross, beside which the others are to be told."""
    asking = trial.ask({"ticket": count})
    asking.join()
    rig = trial.rig
    wait_until(
        lambda: not rig.here.value("courier", "SELECT count(*) FROM sent WHERE settled_at IS NULL"), "receipts", 60
    )


# The cases ----------------------------------------------------------------------------------------------------------------------


def field_by_field(trial: Trial) -> Result:
    """Each field of the envelope is changed after it was signed; also signature, key, algorithm and body."""
    with _forging(trial, bare=True):
        _settle_genuine(trial, GENUINE // 2)
        forger = Forger(trial)
        _watch(trial, forger)
        makers = alterations(forger)
        attempts = trial.journal.plan("forgery", 2 * len(makers), Wanted.REFUSAL)
        made = [(attempt, makers[n % len(makers)](attempt)) for n, attempt in enumerate(attempts)]
        asking = trial.ask({"ticket": GENUINE // 2})
        _send(trial, made, trial.rig.here, trial.rig.there)
        trial.over()
        return trial.finish(asking)


def replayed(trial: Trial) -> Result:
    """Every genuine envelope of the trial comes twice more, after it was taken and receipted."""
    rig = trial.rig
    if trial.control:
        rig.there["courier"].be("forgets_taken")
        rig.wait_ready()
    _settle_genuine(trial, GENUINE)
    wires = envelopes(rig.here, trial) * 2
    attempts = trial.journal.plan("forgery", len(wires), Wanted.NOTHING)
    asking = trial.ask({"ticket": 6})
    _send(trial, list(zip(attempts, wires, strict=True)), rig.here, rig.there)
    trial.over()
    return trial.finish(asking)


def wrong_target(trial: Trial) -> Result:
    """Envelopes that Gusu signed for another district, and Huangpu's own sent back to it."""
    with _forging(trial, bare=True):
        _settle_genuine(trial, GENUINE)
        forger = Forger(trial)
        _watch(trial, forger)
        attempts = trial.journal.plan("forgery", 20, Wanted.REFUSAL)
        made = [(attempt, _misdirected(forger, attempt)) for attempt in attempts]
        asking = trial.ask({"ticket": 12})
        _send(trial, made, trial.rig.here, trial.rig.there)
        trial.over()
        return trial.finish(asking)


def _misdirected(forger: Forger, attempt: Attempt) -> bytes:
    claims, body = forger.claims(attempt)
    sealed = forger.seal(body)
    claims = replace(claims, target="330102", body=digest(sealed.encode("ascii")))
    return envelope.join(forger.sign(claims), sealed)


def suspended_member(trial: Trial) -> Result:
    """Huangpu's registry suspends Gusu: what Gusu rightly signs is refused with a signed reason until that ends."""
    rig = trial.rig
    with _forging(trial, bare=False):
        if trial.control:
            rig.there["courier"].be("suspends_nobody").wait_ready()
        _settle_genuine(trial, GENUINE)
        wait_until(lambda: not rig.waiting(), "nothing to be under way", 60)
        _suspend(rig, State.SUSPENDED)
        forger = TrueForger(trial)
        _watch(trial, forger)
        attempts = trial.journal.plan("forgery", 30, Wanted.REFUSAL)
        made = [(attempt, envelope.join(*forger.genuine(attempt)[1:])) for attempt in attempts]
        _send(trial, made, rig.here, rig.there)
        _wait_taken(trial, forger)
        _suspend(rig, State.ACTIVE)
        trial.over()
        return trial.finish()


def _wait_taken(trial: Trial, forger: Forger) -> None:
    ask = "SELECT count(*) FROM received WHERE id = ANY(%s::uuid[])"
    until = time.monotonic() + 20
    while trial.rig.there.value("courier", ask, list(forger.ids)) < len(forger.ids) and time.monotonic() < until:
        time.sleep(0.1)


def _suspend(rig: Rig, state: State) -> None:
    """A new version of the registry, installed at Huangpu; returns once Huangpu's courier works by it."""
    known = newest_registry(rig)
    members = {**known.members, GUSU: replace(known.members[GUSU], state=state)}
    made = replace(known, version=known.version + 1, members=members)
    text = registry_file.sign_registry(made, keys.read_root(rig.trust.folder / "root.jwk"))
    rig.trust.registry.write_text(text)
    run_service_command(rig.there.place, "courier", "install-registry", stdin=text.encode())
    follows = f"trusts registry {made.version}"
    log = rig.there["courier"].log
    wait_until(lambda: follows in log.read_text(errors="replace"), f"Huangpu to follow registry {made.version}", 30)


_BARE = "nothing is signed, sealed or checked"
FAULTS = [
    Fault(
        "forged_or_altered",
        "ticket",
        {
            "field_by_field": Case(field_by_field, _BARE),
            "replayed": Case(replayed, "the taker does not remember what it took"),
            "wrong_target": Case(wrong_target, _BARE),
            "suspended_member": Case(suspended_member, "the taker treats a suspended member as any other"),
        },
        "Written into Huangpu's broker with Gusu's client certificate, beside good tickets. Forgeries are attempts that are never "
        "acknowledged; each has to lie in quarantine or to be refused with a signed reason, and none may have an effect.",
    )
]
__all__ = ["FAULTS", "Journal"]
