"""handler_raises, poison, duplicates: what events do to their handlers."""

from __future__ import annotations

import re
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pika
from chassis.clock import SystemClock
from chassis.outbox import DATA_CONTENT_TYPE, DISTRICT, ID, SOURCE, SPEC_VERSION, SUBJECT, TIME, TYPE, VERSION, rfc3339
from chassis.wire import PROTOBUF
from tongban_database.roles import runtime_role
from tongban_local.account import popen_identity
from tongban_local.checkout import code
from tongban_local.processes import wait_until
from tongban_local.programs import service_environ

from tests.faults.compare import Found
from tests.faults.journal import Attempt, Outcome, Wanted
from tests.faults.rig import Rig
from tests.faults.row import Case, Fault
from tests.faults.service import QUICK
from tests.faults.side import GUSU, Side
from tests.faults.trial import Result, Trial

_ID = re.compile(rb"F-[A-Z2-7]{14}")


# A handler that raises -------------------------------------------------------------------------------------------------------


#: One trial in so many lasts longer than the ladder of delays.
_LONG_EVERY = 5


def handler_raises(trial: Trial) -> Result:
    """The database refuses what two handlers write (their rights are taken away), so each try of theirs raises.

    For less than the ladder lasts, or until everything is parked: then the rights come back, and a person replays what is
    parked.
    """
    rig = trial.rig
    build = ("acked_failures",) if trial.control else ()
    notification, hotline = rig.here["notification"].be(*build), rig.there["hotline"].be(*build)
    rig.wait_ready()
    long = trial.number % _LONG_EVERY == _LONG_EVERY - 1 and not trial.control
    with _without_rights(rig.here, "notification", "notices"), _without_rights(rig.there, "hotline", "tickets"):
        asking = trial.ask({"notice": 30, "ticket": 22})
        if long:
            asking.join()
            _wait_parked(rig, trial)
        else:
            trial.in_the_middle(20 + trial.number % 3 * 10)
            time.sleep(0.8)
    trial.over()
    asking.join()
    wait_until(lambda: not rig.waiting(), "every try to be over", 60)
    time.sleep(1.0)  # the last try may be under way: queues count what nobody has been handed
    for side, service in ((rig.here, notification), (rig.there, hotline)):
        if side.parked(service.name):
            _replay(service.place, service.name)
    return trial.finish(asking)


@contextmanager
def _without_rights(side: Side, service: str, table: str) -> Iterator[None]:
    role = runtime_role(service)
    side.rows(service, f"REVOKE INSERT, UPDATE ON {table} FROM {role}")
    try:
        yield
    finally:
        side.rows(service, f"GRANT INSERT, UPDATE ON {table} TO {role}")


def _wait_parked(rig: Rig, trial: Trial) -> None:
    wanted = {"notification": 30, "hotline": 22}
    until = time.monotonic() + 60
    while time.monotonic() < until:
        depths = (len(rig.here.parked("notification")), len(rig.there.parked("hotline")))
        if depths[0] >= wanted["notification"] and depths[1] >= wanted["hotline"]:
            return
        time.sleep(0.3)


def _replay(place: Any, service: str) -> None:
    """`python -m <service> parking replay`, as a person types it."""
    subprocess.run(
        [str(code().python), "-m", service, "parking", "replay"],
        env={**service_environ(place, service), **QUICK},
        cwd=place.folder,
        check=True,
        capture_output=True,
        timeout=120,
        **popen_identity(),
    )


# Poison ----------------------------------------------------------------------------------------------------------------------


def poison(trial: Trial) -> Result:
    """Between good events come some that nobody can read: other bodies, no or wrong attributes, types that nobody knows."""
    rig = trial.rig
    build = ("acked_failures",) if trial.control else ()
    rig.here["notification"].be(*build)
    rig.there["hotline"].be(*build)
    rig.wait_ready()
    bad = trial.journal.plan("poison", 14, Wanted.REFUSAL)
    trial.also.append(lambda found: _show_poison(rig, found))
    asking = trial.ask({"notice": 24, "ticket": 28})
    trial.in_the_middle(8)
    _send_poison(trial, bad)
    trial.over()
    result = trial.finish(asking)
    for side, service in ((rig.here, "notification"), (rig.there, "hotline")):
        side.parked(service, take=True)
    return result


def _headers(id: str, type: str, source: str, **more: Any) -> dict[str, Any]:
    return {
        ID: id,
        SOURCE: source,
        TYPE: type,
        SUBJECT: f"ticket/{id}",
        TIME: rfc3339(SystemClock().now()),
        SPEC_VERSION: "1.0",
        DATA_CONTENT_TYPE: PROTOBUF,
        **more,
    }


def _send_poison(trial: Trial, bad: Sequence[Attempt]) -> None:
    """Half of it as the hotline's own events, half as the courier's; each carries its attempt's id in its body."""
    halves: tuple[tuple[Side, str, str, str, dict[str, Any]], ...] = (
        (trial.rig.here, "hotline", "hotline.events", "TicketProgressed", {VERSION: 1}),
        (trial.rig.there, "courier", "courier.events", "hotline.TicketTransferOffered", {DISTRICT: GUSU}),
    )
    for half, (side, user, exchange, key, more) in enumerate(halves):
        name = f"tongban.hotline.v1.{key.rpartition('.')[2]}"
        with side.channel(user) as channel:
            channel.confirm_delivery()
            for attempt, flaw in zip(bad[half::2], _FLAWS, strict=True):
                body = b"\xff\xff" + attempt.id.encode()
                headers = {**_headers(attempt.id, name, user, **more), **flaw}
                headers = {header: value for header, value in headers.items() if value is not None}
                properties = pika.BasicProperties(headers=headers, delivery_mode=2, content_type=PROTOBUF, user_id=user)
                trial.journal.sending(attempt)
                channel.basic_publish(exchange, key, body, properties, mandatory=True)
                trial.journal.heard(attempt, Outcome.UNKNOWN, "the broker has it")


_FLAWS: list[dict[str, Any]] = [
    {},  # a body that is no message
    {ID: None},
    {TIME: "yesterday"},
    {SUBJECT: 7},
    {TYPE: "tongban.hotline.v1.Unheard"},
    {SOURCE: "identity"},
    {ID: "x" * 300},
]


def _show_poison(rig: Rig, found: Found) -> None:
    for side, service in ((rig.here, "notification"), (rig.there, "hotline")):
        for headers, body in side.parked(service):
            for id in _ID.findall(body):
                found.show(id.decode(), f"parked: {headers.get('tongban.reason', 'unknown')}")


# Doubles ----------------------------------------------------------------------------------------------------------------------


def duplicates(trial: Trial) -> Result:
    """Everything comes several times: every row of every outbox goes out twice more, and every envelope crosses twice more."""
    rig = trial.rig
    if trial.control:
        rig.here["notification"].be("no_inbox")
        rig.there["courier"].be("forgets_taken")
        rig.wait_ready()
    with doubles_possible(rig) if trial.control else _as_it_is():
        asking = trial.ask({"ticket": 20, "case": 18, "notice": 14})
        trial.in_the_middle(16)
        _send_all_again(trial)
        asking.join()
        trial.over()
        _send_all_again(trial)
        return trial.finish(asking)


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


@contextmanager
def doubles_possible(rig: Rig) -> Iterator[None]:
    """For a control: without the constraint that is notification's last line against a second notice."""
    here = rig.here
    here.rows("notification", "ALTER TABLE notices DROP CONSTRAINT notices_once")
    try:
        yield
    finally:
        rig.here["notification"].stop()
        doubled = "SELECT a.id FROM notices a JOIN notices b USING (about, event, subject) WHERE a.id > b.id"
        here.rows("notification", f"DELETE FROM deliveries WHERE notice_id IN ({doubled})")
        here.rows("notification", f"DELETE FROM notices WHERE id IN ({doubled})")
        here.rows("notification", "ALTER TABLE notices ADD CONSTRAINT notices_once UNIQUE (about, event, subject)")


def _send_all_again(trial: Trial) -> None:
    for side in trial.rig.sides.values():
        for name in side.services:
            side.rows(
                name,
                "UPDATE outbox SET confirmed_at = NULL, due_at = clock_timestamp() WHERE written_at >= %s",
                trial.witness.since,
            )
            side.rows(name, "NOTIFY outbox")
    for giver, taker in ((trial.rig.here, trial.rig.there), (trial.rig.there, trial.rig.here)):
        write_envelopes(giver, taker, envelopes(giver, trial) * 2)


def envelopes(side: Side, trial: Trial) -> list[bytes]:
    """What this side's courier has sent of the trial, as it stands on the wire."""
    ask = """SELECT l.jws, b.jwe FROM log l JOIN sealed b ON (b.peer, b.id) = (l.peer, l.id)
             WHERE l.kind = 'sent' AND l.at >= %s"""
    return [f"{jws}\n{jwe}".encode("ascii") for jws, jwe in side.rows("courier", ask, trial.witness.since)]


def write_envelopes(giver: Side, taker: Side, wires: Sequence[bytes]) -> None:
    """Writes into the taker's broker as the giver's courier does: as the user of its client certificate."""
    pair = giver.place.courier_client
    context = ssl.create_default_context(cafile=str(giver.place.authority))
    context.load_cert_chain(str(pair.certificate), str(pair.key))
    parameters = pika.ConnectionParameters(
        taker.place.host,
        taker.place.district.port("courier"),
        "courier",
        pika.credentials.ExternalCredentials(),
        ssl_options=pika.SSLOptions(context, taker.place.host),
    )
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.confirm_delivery()
    properties = pika.BasicProperties(delivery_mode=2, user_id=f"courier.{giver.code}")
    for wire in wires:
        channel.basic_publish("courier.in", "", wire, properties)
    connection.close()


FAULTS = [
    Fault(
        "handler_raises",
        "notice, ticket",
        {"": Case(handler_raises, "a message whose handler failed is acked")},
        "The rights that notification (Gusu) and hotline (Huangpu) write with are revoked: real handlers raise. One trial in "
        f"{_LONG_EVERY} lasts until everything is parked. What is parked afterwards is mended by `parking replay`. Every rung is the one of a second.",
    ),
    Fault(
        "duplicates",
        "ticket, case, notice",
        {"": Case(duplicates, "notification has no inbox and no unique notice; the taking courier remembers nothing")},
        "Every outbox row of both districts goes out twice more and every envelope crosses four times more, in the middle and "
        "afterwards.",
    ),
    Fault(
        "poison",
        "notice, ticket",
        {"": Case(poison, "a message that nobody can read is acked")},
        "14 unreadable events a trial in 7 forms, as the hotline's and as the courier's broker user; each has to lie in "
        "parking with its reason and its body. They are among the attempts and never acknowledged.",
    ),
]
