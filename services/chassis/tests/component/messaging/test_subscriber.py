"""An event has its effect once, whatever fails, dies, is doubled or is nonsense; and nothing that comes is ever lost."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pika
import pytest
from chassis.clock import FixedClock, new_id
from chassis.errors import Fault, Kind
from chassis.parking import LONGEST_REASON, book_of_drops, drop, list_parked, replay
from chassis.sealed import TransitSeal
from tongban.case_routing.v1.case_routing_pb2 import CaseProgressed, HandOverOffered

from services.chassis.tests.component.messaging.bus import RUNGS, SUBSCRIBER
from services.chassis.tests.component.messaging.conftest import EVENT_QUEUE, Proc, Store, wait_for
from tests.support.engines import Engines
from tests.support.transit import TRANSIT

StartProc = Callable[..., Proc]
PARK = f"park.{SUBSCRIBER}"
FIRST_RUNG = str(RUNGS[0])


def headers(**changes: Any) -> dict[str, Any]:
    """The headers of a CaseProgressed; a change to None leaves one out."""
    values = {
        "cloudEvents:id": str(uuid4()),
        "cloudEvents:source": "case_routing",
        "cloudEvents:type": "tongban.case_routing.v1.CaseProgressed",
        "cloudEvents:subject": "case/C1",
        "cloudEvents:time": "2026-11-23T01:00:00Z",
        "cloudEvents:specversion": "1.0",
        "tongban.version": 1,
    } | {f"cloudEvents:{name}" if name in _ATTRIBUTES else name: value for name, value in changes.items()}
    return {name: value for name, value in values.items() if value is not None}


_ATTRIBUTES = ("id", "source", "type", "subject", "time")


def send(
    engines: Engines,
    *messages: tuple[dict[str, Any], bytes],
    exchange: str = "case_routing.events",
    key: str = "CaseProgressed",
) -> None:
    """Publishes as they come, each with a confirm."""
    with engines.channel() as channel:
        channel.confirm_delivery()
        for told, body in messages:
            properties = pika.BasicProperties(headers=told, delivery_mode=2)
            channel.basic_publish(exchange, key, body, properties, mandatory=True)


def event(number: str, act: str = "ok", **changes: Any) -> tuple[dict[str, Any], bytes]:
    return headers(**changes), CaseProgressed(number=number, event=act).SerializeToString()


def effects(target: Store) -> dict[str, int]:
    """How many effects each case has had."""
    return dict(target.rows("SELECT number, count(*) FROM effects GROUP BY number"))


def test_an_event_that_comes_three_times_has_one_effect(engines: Engines, target: Store, subscriber: StartProc) -> None:
    process = subscriber()
    doubled = event("C1")
    send(engines, doubled, doubled, event("C2"), doubled)
    wait_for(
        lambda: (
            process.metric('tongban_events_handled_total{handler="notification.on_case_progressed",outcome="duplicate"')
            == 2
        ),
        "the doubles to be seen",
    )
    assert effects(target) == {"C1": 1, "C2": 1}
    assert target.one("SELECT count(*) FROM inbox") == 2
    assert engines.depth(EVENT_QUEUE) == 0


def test_equal_ids_of_two_districts_are_two_messages(engines: Engines, target: Store, subscriber: StartProc) -> None:
    subscriber()
    id, type = str(uuid4()), "tongban.case_routing.v1.HandOverOffered"
    body = TRANSIT.seal(HandOverOffered(number="C1").SerializeToString(), id=id, type=type)
    told = [
        headers(id=id, source="courier", type=type, **{"tongban.district": code})
        for code in ("310101", "330102", "310101")
    ]
    send(engines, *((each, body) for each in told), exchange="courier.events", key=f"{SUBSCRIBER}.HandOverOffered")
    wait_for(lambda: len(target.rows("SELECT event FROM effects")) == 2, "both")
    assert set(target.rows("SELECT handler, event FROM effects")) == {
        ("on_hand_over_offered", "310101"),
        ("on_hand_over_offered", "330102"),
    }


def test_a_message_from_a_district_that_is_not_sealed_for_its_place_is_parked(
    engines: Engines, target: Store, subscriber: StartProc
) -> None:
    subscriber()
    type, plain = "tongban.case_routing.v1.HandOverOffered", HandOverOffered(number="C1").SerializeToString()
    told = [headers(id=str(uuid4()), source="courier", type=type, **{"tongban.district": "310101"}) for _ in range(4)]
    ids = [each["cloudEvents:id"] for each in told]
    other_key = TransitSeal([bytes(32)])
    bodies = [
        plain,
        TRANSIT.seal(plain, id=ids[0], type=type),  # another message's
        other_key.seal(plain, id=ids[2], type=type),
        TRANSIT.seal(plain, id=ids[3], type=type),
    ]
    send(engines, *zip(told, bodies, strict=True), exchange="courier.events", key=f"{SUBSCRIBER}.HandOverOffered")
    wait_for(lambda: engines.depth(PARK) == 3, "the three that do not open to be parked")
    wait_for(lambda: effects(target) == {"C1": 1}, "the one that opens")
    assert {row.reason for row in list_parked(engines.amqp_url(SUBSCRIBER), SUBSCRIBER)} == {"event.seal_broken"}


def test_a_failing_handler_is_rolled_back_and_tried_again_down_the_ladder(
    engines: Engines, target: Store, subscriber: StartProc
) -> None:
    process = subscriber()
    started = time.time()
    send(
        engines,
        event("late", "late:2"),
        event("defect", "defect"),
        event("rule", "rule"),
        event("away", "away"),
        event("well"),
    )
    wait_for(lambda: effects(target) == {"well": 1, "late": 1}, "the third try", 10)
    assert time.time() - started >= sum(RUNGS)
    assert target.rows("SELECT attempt FROM effects WHERE number = 'late'") == [(3,)]
    wait_for(lambda: engines.depth(PARK) == 2, "the hopeless ones to be parked")
    parked = {row.reason: row for row in list_parked(engines.amqp_url(SUBSCRIBER), SUBSCRIBER)}
    assert set(parked) == {"defect.KeyError", "notification.no_template"}
    row = parked["notification.no_template"]
    assert (row.type, row.source, row.attempts) == (
        "tongban.case_routing.v1.CaseProgressed",
        "case_routing",
        len(RUNGS) + 1,
    )
    assert row.origin_queue == EVENT_QUEUE
    assert row.first_failed_at
    assert engines.depth(PARK) == 2, "looking takes nothing away"
    wait_for(
        lambda: (
            process.metric('tongban_events_handled_total{handler="notification.on_case_progressed",outcome="retried"')
            >= 10
        ),
        "what only waits for something else to go on waiting",
        12,
    )
    assert engines.depth(PARK) == 2, "and not to be parked"
    assert "310101199001011234" not in process.lines(), "an error's words may hold somebody's number"


POISON: dict[str, tuple[str, dict[str, Any], bytes]] = {
    "a body of another kind": ("event.body_undecodable", {}, b"\xff\xff\xff"),
    "no id": ("event.headers_missing", {"id": None}, b"1"),
    "no time": ("event.headers_invalid", {"time": "yesterday"}, b"2"),
    "a number for a subject": ("event.headers_invalid", {"subject": 7}, b"3"),
    "an id that cannot be stored": ("event.headers_invalid", {"id": "a\x00b"}, b"4"),
    "an endless id": ("event.headers_invalid", {"id": "x" * 256}, b"5"),
    "a type that nobody knows": ("event.type_unknown", {"type": "tongban.case_routing.v1.Unheard"}, b"6"),
    "another source": ("event.source_unexpected", {"source": "hotline"}, b"7"),
    "a district where there is none": ("event.source_unexpected", {"tongban.district": "310101"}, b"8"),
}


def test_poison_is_parked_at_once_with_its_body_untouched(
    engines: Engines, target: Store, subscriber: StartProc
) -> None:
    send(engines, *((headers(**flaw), body) for _, flaw, body in POISON.values()), event("after"))
    subscriber()
    wait_for(lambda: effects(target) == {"after": 1}, "what comes behind it")
    wait_for(lambda: engines.depth(PARK) == len(POISON), "the poison in parking")
    assert engines.depth(EVENT_QUEUE) == 0
    with engines.channel() as channel:
        parked = [channel.basic_get(PARK, auto_ack=True) for _ in POISON]
    found = {(properties.headers["tongban.reason"], body) for _, properties, body in parked}
    assert found == {(reason, body) for reason, _, body in POISON.values()}


def test_a_process_killed_between_commit_and_ack_has_acted_once(
    engines: Engines, target: Store, subscriber: StartProc
) -> None:
    send(engines, event("C1"))
    assert subscriber(die_before_ack=True).died() == -signal.SIGKILL
    assert effects(target) == {"C1": 1}
    subscriber()
    wait_for(lambda: engines.depth(EVENT_QUEUE) == 0, "the ack")
    wait_for(lambda: target.one("SELECT count(*) FROM inbox") == 1, "one row")
    assert effects(target) == {"C1": 1}


def test_a_process_killed_inside_a_handler_has_not_acted_and_the_next_one_does(
    engines: Engines, target: Store, subscriber: StartProc
) -> None:
    send(engines, event("C1", "die"))
    assert subscriber(deadly=True).died() == -signal.SIGKILL
    assert effects(target) == {}
    subscriber()
    wait_for(lambda: effects(target) == {"C1": 1}, "the effect")


def test_at_sigterm_what_runs_is_finished_and_the_rest_goes_back(
    engines: Engines, target: Store, subscriber: StartProc
) -> None:
    send(engines, *(event(f"C{n}", "slow:0.3") for n in range(60)))
    first = subscriber()
    wait_for(lambda: effects(target), "the first effects")
    assert first.stop() == 0
    done = effects(target)
    assert 0 < len(done) < 60
    assert engines.depth(EVENT_QUEUE) == 60 - len(done), "what was finished is acked, the rest is back"
    subscriber()
    wait_for(lambda: len(effects(target)) == 60, "the rest")
    assert set(effects(target).values()) == {1}


def test_while_the_database_is_away_messages_wait_in_place(
    engines: Engines, target: Store, subscriber: StartProc
) -> None:
    process = subscriber()
    send(engines, event("before"))
    wait_for(lambda: effects(target) == {"before": 1}, "the first")
    engines.district.database.stop()
    send(engines, *(event(f"C{n}") for n in range(30)))
    time.sleep(1)
    engines.district.database.start()
    engines.district.database.wait_ready()
    wait_for(lambda: len(effects(target)) == 31, "all of them, soon after", 10)
    assert set(target.rows("SELECT attempt FROM effects")) == {(1,)}, "no try was spent on it"
    assert engines.depth(PARK) == 0
    assert process.stop() == 0


def test_the_handler_works_inside_the_trace_of_the_event(
    engines: Engines, target: Store, subscriber: StartProc
) -> None:
    subscriber()
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    send(engines, event("C1", "trace", traceparent=traceparent))
    wait_for(lambda: effects(target), "the effect")
    assert target.one("SELECT event FROM effects") == "trace:0af7651916cd43dd8448eb211c80319c"


def test_replay_brings_parked_messages_home_once_even_when_interrupted(
    engines: Engines, target: Store, subscriber: StartProc, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = engines.amqp_url(SUBSCRIBER)
    broken = subscriber(broken=True)
    send(engines, *(event(f"C{n}", "broken", id=f"id-{n}") for n in range(3)), (headers(id="junk"), b"\xff"))
    wait_for(lambda: engines.depth(PARK) == 4, "all to be parked", 10)
    broken.stop()
    subscriber()
    with monkeypatch.context() as patched:
        # Published home and confirmed, but not yet taken out of parking: the worst moment to be interrupted.
        patched.setattr("pika.adapters.blocking_connection.BlockingChannel.basic_ack", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            replay(url, SUBSCRIBER, first_rung=FIRST_RUNG, ids={"id-0"})
    assert engines.depth(PARK) == 4
    assert replay(url, SUBSCRIBER, first_rung=FIRST_RUNG, ids={"id-0", "id-1", "id-2"}).moved == 3
    wait_for(lambda: len(effects(target)) == 3, "their effects")
    wait_for(lambda: engines.depth(EVENT_QUEUE) + engines.depth(f"retry.{FIRST_RUNG}s") == 0, "the doubled one to pass")
    assert effects(target) == {"C0": 1, "C1": 1, "C2": 1}
    assert [row.id for row in list_parked(url, SUBSCRIBER)] == ["junk"]
    assert replay(url, SUBSCRIBER, first_rung=FIRST_RUNG).moved == 1
    wait_for(
        lambda: [row.id for row in list_parked(url, SUBSCRIBER)] == ["junk"], "what is still poison to be parked anew"
    )


def test_what_was_parked_for_a_queue_that_is_gone_stays_parked(engines: Engines) -> None:
    told = headers(id="stray") | {"tongban.origin_queue": "evt.notification.renamed", "tongban.reason": "x"}
    send(engines, (told, b""), exchange="parking", key=SUBSCRIBER)
    assert replay(engines.amqp_url(SUBSCRIBER), SUBSCRIBER, first_rung=FIRST_RUNG).stranded == ("stray",)
    assert engines.depth(PARK) == 1


def parked(id: str, queue: str = EVENT_QUEUE, reason: str = "notification.no_template") -> tuple[dict[str, Any], bytes]:
    return headers(id=id) | {"tongban.origin_queue": queue, "tongban.reason": reason}, b"310101199001011234"


def test_what_can_never_be_handled_is_dropped_with_its_reason_and_the_rest_stays(
    engines: Engines, target: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    url, clock = engines.amqp_url(SUBSCRIBER), FixedClock()
    write_down = book_of_drops(target.database, clock, new_id)
    send(engines, parked("dead"), parked("other"), parked("dead"), exchange="parking", key=SUBSCRIBER)
    for reason in ("", " ", "x" * (LONGEST_REASON + 1)):
        with pytest.raises(Fault, match="Say why") as silent:
            drop(url, SUBSCRIBER, id="dead", reason=reason, write_down=write_down)
        assert (silent.value.code, silent.value.kind) == ("parking.reason_missing", Kind.INVALID)
    with pytest.raises(Fault) as unknown:
        drop(url, SUBSCRIBER, id="unheard", reason="mistaken", write_down=write_down)
    assert unknown.value.code == "parking.not_found"
    assert engines.depth(PARK) == 3
    assert drop(url, SUBSCRIBER, id="dead", reason="its case was deleted", write_down=write_down) == 2
    assert [row.id for row in list_parked(url, SUBSCRIBER)] == ["other"]
    assert target.rows(
        "SELECT DISTINCT message_id, origin_queue, parked_for, dropped_for, dropped_at FROM parking_drops"
    ) == [("dead", EVENT_QUEUE, "notification.no_template", "its case was deleted", clock.now())]
    assert "310101199001011234" not in capsys.readouterr().out


def test_a_drop_interrupted_after_its_trace_is_written_leaves_the_message_parked(
    engines: Engines, target: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, write_down = engines.amqp_url(SUBSCRIBER), book_of_drops(target.database, FixedClock(), new_id)
    send(engines, parked("dead"), exchange="parking", key=SUBSCRIBER)
    with monkeypatch.context() as patched:
        patched.setattr("pika.adapters.blocking_connection.BlockingChannel.basic_ack", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            drop(url, SUBSCRIBER, id="dead", reason="gone", write_down=write_down)
    assert engines.depth(PARK) == 1
    assert drop(url, SUBSCRIBER, id="dead", reason="gone", write_down=write_down) == 1
    assert engines.depth(PARK) == 0
    assert target.one("SELECT count(*) FROM parking_drops") == 2


def test_of_two_handlers_that_gave_up_on_one_event_only_the_one_named_loses_it(engines: Engines, target: Store) -> None:
    url, write_down = engines.amqp_url(SUBSCRIBER), book_of_drops(target.database, FixedClock(), new_id)
    second = f"evt.{SUBSCRIBER}.on_hand_over_offered"
    send(engines, parked("both"), parked("both", second), exchange="parking", key=SUBSCRIBER)
    with pytest.raises(Fault, match=second) as unclear:
        drop(url, SUBSCRIBER, id="both", reason="gone", write_down=write_down)
    assert unclear.value.code == "parking.ambiguous"
    assert drop(url, SUBSCRIBER, id="both", queue=second, reason="gone", write_down=write_down) == 1
    assert [row.origin_queue for row in list_parked(url, SUBSCRIBER)] == [EVENT_QUEUE]


def test_from_outbox_to_inbox_each_event_acts_once_through_a_broker_that_dies(
    engines: Engines, source: Store, target: Store, relay: StartProc, subscriber: StartProc
) -> None:
    relaying = relay(batch=20)
    subscriber()
    for n in range(40):
        source.publish(*(f"C{n}-{m}" for m in range(10)))
        if n == 20:
            engines.district.broker.kill()
            engines.district.broker.start()
    engines.district.wait_engines()
    wait_for(lambda: len(effects(target)) == 400, "all of them", 30)
    wait_for(lambda: source.waiting() == 0, "their confirms")
    assert set(effects(target).values()) == {1}
    assert relaying.metric("tongban_outbox_resent_total") == 0, (
        "the broker kept its disk, so nothing else is sent again"
    )


def _interrupt(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


class Unreadable(pika.BasicProperties):
    """Properties that a broker takes and pika cannot read: a time far beyond every calendar."""

    def encode(self) -> list[bytes]:
        return [b"".join(super().encode()).replace(b"\x04timel", b"\x04timeT")]


def test_a_message_whose_headers_nobody_can_read_is_parked_and_parking_still_works(
    engines: Engines, target: Store, subscriber: StartProc
) -> None:
    subscriber()
    with engines.channel() as channel:
        channel.confirm_delivery()
        properties = Unreadable(headers={"time": 2**62})
        channel.basic_publish("case_routing.events", "CaseProgressed", b"body", properties, mandatory=True)
    send(engines, (headers(id="junk"), b"\xff"), event("after"))
    wait_for(lambda: effects(target) == {"after": 1}, "what comes behind it")
    wait_for(lambda: engines.depth(PARK) == 2, "it to be parked")
    rows = list_parked(engines.amqp_url(SUBSCRIBER), SUBSCRIBER)
    assert {row.reason for row in rows} == {"event.headers_unreadable", "event.body_undecodable"}
    assert {row.origin_queue for row in rows} == {EVENT_QUEUE}


def test_an_event_that_concerns_nobody_here_is_done_with_and_leaves_no_row(
    engines: Engines, target: Store, subscriber: StartProc
) -> None:
    process = subscriber()
    send(engines, event("C1", "no concern of ours"), event("C2"))
    ignored = 'tongban_events_handled_total{handler="notification.on_case_progressed",outcome="ignored"'
    wait_for(lambda: process.metric(ignored) == 1, "it to be read")
    wait_for(lambda: effects(target) == {"C2": 1}, "the other one")
    assert target.one("SELECT count(*) FROM inbox") == 1
    assert engines.depth(EVENT_QUEUE) == 0
