"""What a service tells others reaches the broker: whatever dies, stops, lies or is full on the way."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from chassis.clock import SystemClock, new_id
from chassis.outbox import Outbox
from chassis.telemetry import span
from tongban.case_routing.v1.case_routing_pb2 import CaseProgressed
from tongban_local.account import popen_identity

from services.chassis.tests.component.messaging.bus import SOURCE
from services.chassis.tests.component.messaging.conftest import EVENT_QUEUE, Proc, Store, wait_for
from tests.support.engines import Engines
from tests.support.freeze import freeze
from tests.support.transit import TRANSIT

StartProc = Callable[..., Proc]


def numbers(engines: Engines) -> Counter[str]:
    """The case numbers of the events in the subscriber's queue, and takes them out."""
    found: Counter[str] = Counter()
    with engines.channel() as channel:
        while (got := channel.basic_get(EVENT_QUEUE, auto_ack=True))[0] is not None:
            found[CaseProgressed.FromString(got[2]).number] += 1
    return found


def test_an_event_arrives_with_its_cloudevents_attributes(engines: Engines, source: Store, relay: StartProc) -> None:
    relay()
    source.publish("C1")
    wait_for(lambda: engines.depth(EVENT_QUEUE) == 1, "the event")
    with engines.channel() as channel:
        method, properties, body = channel.basic_get(EVENT_QUEUE, auto_ack=True)
    headers = properties.headers
    assert (method.exchange, method.routing_key) == ("case_routing.events", "CaseProgressed")
    assert headers["cloudEvents:id"] == properties.message_id
    assert headers["cloudEvents:source"] == properties.user_id == SOURCE
    assert headers["cloudEvents:type"] == properties.type == "tongban.case_routing.v1.CaseProgressed"
    assert headers["cloudEvents:subject"] == "case/C1"
    assert headers["cloudEvents:specversion"] == "1.0"
    assert headers["tongban.version"] == 1
    assert properties.delivery_mode == 2
    assert CaseProgressed.FromString(body).number == "C1"


def test_a_transaction_that_rolls_back_tells_nobody(engines: Engines, source: Store, relay: StartProc) -> None:
    relay()
    with pytest.raises(ZeroDivisionError), source.database.transaction() as connection:
        connection.exec_driver_sql("SELECT 1")
        Outbox(connection, SOURCE, SystemClock(), new_id, TRANSIT).publish(
            CaseProgressed(number="no"), subject="s", version=1
        )
        raise ZeroDivisionError
    source.publish("yes")
    wait_for(lambda: source.waiting() == 0, "the confirm")
    assert numbers(engines) == {"yes": 1}


def test_a_commit_wakes_the_relay_without_waiting_for_its_poll(
    engines: Engines, source: Store, relay: StartProc
) -> None:
    relay(poll_s=60)
    source.publish("first")
    wait_for(lambda: source.waiting() == 0, "the relay to be up")
    source.publish("second")
    wait_for(lambda: source.waiting() == 0, "a wake-up long before the next poll", 2)


def test_a_row_that_commits_late_is_not_passed_over(engines: Engines, source: Store, relay: StartProc) -> None:
    """An id, or a time, is not commit order: the row written first may commit last."""
    relay(poll_s=1)
    with source.database.transaction() as early:
        Outbox(early, SOURCE, SystemClock(), new_id, TRANSIT).publish(
            CaseProgressed(number="early"), subject="s", version=1
        )
        source.publish("late")
        wait_for(lambda: engines.depth(EVENT_QUEUE) == 1, "the later row")
    wait_for(lambda: engines.depth(EVENT_QUEUE) == 2, "the earlier row, committed after it")
    assert numbers(engines) == {"early": 1, "late": 1}


@pytest.mark.parametrize("point", ["before publish", "after publish", "after confirm", "before commit"])
def test_a_relay_killed_at_any_point_loses_nothing(
    engines: Engines, source: Store, relay: StartProc, point: str
) -> None:
    source.publish(*(f"C{n}" for n in range(50)))
    dying = relay(crash_at=point, batch=20, spare=1)
    assert dying.died() == -signal.SIGKILL
    assert source.waiting() == 30, "what went out before is marked, what was under way is not"
    relay(batch=20)
    wait_for(lambda: source.waiting() == 0, "the rest")
    found = numbers(engines)
    assert set(found) == {f"C{n}" for n in range(50)}
    doubled = 0 if point == "before publish" else 20
    assert sum(found.values()) == 50 + doubled, (
        "sent again is what nobody knew to have arrived; the inbox makes it once"
    )


def test_three_relays_share_the_work_and_a_stopped_one_holds_nobody_up(
    engines: Engines, source: Store, relay: StartProc
) -> None:
    source.publish(*(f"C{n}" for n in range(100)))
    stopped = relay(crash_at="pause after publish", batch=20, hold_s=5)
    wait_for(lambda: "dying" in stopped.lines(), "the first relay to stop with its batch in hand")
    others = [relay(batch=20, hold_s=2) for _ in range(2)]
    wait_for(lambda: source.waiting() <= 20, "the others to send what it does not hold")
    held = source.rows("SELECT 1 FROM pg_locks WHERE relation = 'outbox'::regclass AND mode = 'RowShareLock'")
    assert held, "they did not have to wait for its claim to end"
    wait_for(lambda: source.waiting() == 0, "its own rows, once the server has ended its transaction")
    stopped.signal(signal.SIGCONT)
    source.publish("after")
    wait_for(lambda: source.waiting() == 0, "work to go on")
    wait_for(lambda: "lost the database" in stopped.lines(), "the continued relay to find its claim gone")
    source.publish("later")
    wait_for(lambda: source.waiting() == 0, "work to go on")
    found = numbers(engines)
    assert set(found) == {f"C{n}" for n in range(100)} | {"after", "later"}
    assert sum(found.values()) <= 102 + 20
    assert [process.stop() for process in [stopped, *others]] == [0, 0, 0]


def test_what_no_queue_is_bound_for_is_kept_and_lit_and_arrives_once_there_is_one(
    engines: Engines, source: Store, relay: StartProc
) -> None:
    process = relay()
    with engines.channel() as channel:
        channel.queue_unbind(EVENT_QUEUE, f"{SOURCE}.events", "CaseProgressed")
        try:
            source.publish("C1")
            wait_for(
                lambda: source.rows("SELECT 1 FROM outbox WHERE failure = 'unroutable' AND attempts >= 1"), "the note"
            )
            assert source.waiting() == 1
            wait_for(lambda: process.metric("tongban_outbox_unroutable_total") >= 1, "the metric")
            assert "did not take a message" in process.lines()
        finally:
            channel.queue_bind(EVENT_QUEUE, f"{SOURCE}.events", "CaseProgressed")
    wait_for(lambda: source.waiting() == 0, "the next try")
    assert numbers(engines) == {"C1": 1}


@pytest.mark.parametrize(
    "flaw", ["exchange = 'no.such'", "headers = headers || jsonb_build_object('x', repeat('x', 200000))"]
)
def test_one_row_that_the_broker_refuses_does_not_hold_up_the_others(
    engines: Engines, source: Store, relay: StartProc, flaw: str
) -> None:
    source.publish("before")
    source.rows(f"UPDATE outbox SET {flaw}")
    source.publish(*(f"C{n}" for n in range(5)))
    relay()
    wait_for(lambda: source.waiting() == 1, "the others")
    wait_for(lambda: source.rows("SELECT 1 FROM outbox WHERE failure LIKE 'refused_%%'"), "the note on the refused one")
    assert set(numbers(engines)) == {f"C{n}" for n in range(5)}


def test_a_broker_that_comes_back_empty_gets_the_last_seven_days_again(
    engines: Engines, source: Store, relay: StartProc
) -> None:
    process = relay(poll_s=1)
    source.publish("old", "fresh", "gone")
    wait_for(lambda: source.waiting() == 0, "the confirms")
    ids = dict(source.rows("SELECT headers->>'cloudEvents:subject', id FROM outbox"))
    source.rows("UPDATE outbox SET confirmed_at = now() - interval '6 days 23 hours' WHERE id = %s", ids["case/old"])
    source.rows("UPDATE outbox SET confirmed_at = now() - interval '7 days 1 hour' WHERE id = %s", ids["case/gone"])
    broker = engines.district.broker
    broker.kill()
    broker.wipe()
    source.publish("meanwhile")
    broker.start()
    engines.district.wait_engines()
    wait_for(lambda: engines.depth(EVENT_QUEUE) == 3, "all of them")
    wait_for(lambda: source.waiting() == 0, "their confirms")
    assert numbers(engines) == {"old": 1, "fresh": 1, "meanwhile": 1}
    assert engines.depth(f"marker.{SOURCE}") == 1
    assert process.stop() == 0
    again = relay()
    source.publish("next")
    wait_for(lambda: source.waiting() == 0, "the next")
    assert numbers(engines) == {"next": 1}, "the marker is back, so nothing is sent a third time"
    assert again.metric("tongban_outbox_resent_total") == 0


def test_a_confirm_of_the_lost_broker_does_not_survive_the_resend(
    engines: Engines, source: Store, relay: StartProc
) -> None:
    """A relay that is stopped between confirm and mark, while the broker loses its disk, marks a row that is not there."""
    source.publish("C1")
    stopped = relay(crash_at="pause after confirm")
    wait_for(lambda: "dying" in stopped.lines(), "the relay to stop")
    broker = engines.district.broker
    broker.kill()
    broker.wipe()
    broker.start()
    engines.district.wait_engines()
    relay(poll_s=1)
    wait_for(
        lambda: source.rows("SELECT 1 FROM pg_locks WHERE NOT granted"), "the resend to wait for the stopped relay"
    )
    stopped.signal(signal.SIGCONT)
    wait_for(lambda: engines.depth(EVENT_QUEUE) == 1, "the event at the new broker")
    assert "lost the database" not in stopped.lines(), "its mark was committed, and taken away again"


def test_rows_stay_seven_days_after_the_confirm_and_then_go_in_small_batches(source: Store, relay: StartProc) -> None:
    source.publish(*(f"C{n}" for n in range(1100)))
    source.rows("UPDATE outbox SET confirmed_at = now() - interval '7 days 1 minute'")
    source.rows(
        "UPDATE outbox SET confirmed_at = now() - interval '6 days 23 hours' WHERE id IN (SELECT id FROM outbox LIMIT 3)"
    )
    relay(poll_s=0.2)
    wait_for(lambda: source.one("SELECT count(*) FROM outbox") == 3, "the old ones to go")


def test_a_broker_that_takes_nothing_under_an_alarm_gets_everything_when_it_is_over(
    engines: Engines, source: Store, relay: StartProc
) -> None:
    process = relay(confirm_timeout_s=1.0, poll_s=0.5)
    source.publish("before")
    wait_for(lambda: source.waiting() == 0, "the first")
    alarm(engines, "0.00001")
    try:
        source.publish(*(f"C{n}" for n in range(20)))
        wait_for(lambda: "waits for the broker" in process.lines(), "the relay to give the batch up")
        assert source.waiting() == 20
        assert not source.rows(
            "SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in transaction%%' AND application_name LIKE '%%relay' AND now() - xact_start > interval '3 s'"
        )
    finally:
        alarm(engines, "0.6")
    wait_for(lambda: source.waiting() == 0, "everything after the alarm", 40)
    assert set(numbers(engines)) == {"before", *(f"C{n}" for n in range(20))}


def test_a_broker_that_is_connected_but_silent_gets_everything_when_it_speaks_again(
    engines: Engines, source: Store, relay: StartProc
) -> None:
    process = relay(confirm_timeout_s=1.0, poll_s=0.5)
    source.publish("before")
    wait_for(lambda: source.waiting() == 0, "the first")
    node = engines.district.broker._node.pid
    freeze(node)
    try:
        source.publish(*(f"C{n}" for n in range(20)))
        wait_for(lambda: "20 of 20 not confirmed" in process.lines(), "the relay to give the batch up")
    finally:
        os.kill(node, signal.SIGCONT)
    wait_for(lambda: source.waiting() == 0, "everything afterwards", 30)
    assert set(numbers(engines)) == {"before", *(f"C{n}" for n in range(20))}


def alarm(engines: Engines, watermark: str) -> None:
    """Sets the broker's memory watermark; a tiny one raises the alarm at once."""
    broker = engines.district.broker
    subprocess.run(
        ["/usr/lib/rabbitmq/bin/rabbitmqctl", "-n", f"{broker.name}@localhost", "set_vm_memory_high_watermark", watermark],
        env=broker.environ(), cwd=broker.folder, check=True, capture_output=True, **popen_identity(),
    )  # fmt: skip


def test_a_database_that_restarts_costs_nothing(engines: Engines, source: Store, relay: StartProc) -> None:
    relay()
    source.publish("before")
    wait_for(lambda: source.waiting() == 0, "the first")
    engines.district.database.stop()
    engines.district.database.start()
    engines.district.wait_engines()
    source.publish("after")
    wait_for(lambda: source.waiting() == 0, "the second")
    assert numbers(engines) == {"before": 1, "after": 1}


def test_large_messages_travel_in_smaller_batches(engines: Engines, source: Store, relay: StartProc) -> None:
    for n in range(12):
        source.publish(f"C{n}", event="x" * 1_000_000)
    relay()
    wait_for(lambda: source.waiting() == 0, "all of them")
    assert engines.depth(EVENT_QUEUE) == 12


def test_every_event_published_has_a_span_that_its_consumers_hang_under(
    engines: Engines, source: Store, relay: StartProc, spans: tuple[str, Callable[[], list[Any]]]
) -> None:
    url, received = spans
    relaying = relay(otlp=url)
    trace, parent = "ab" * 16, "cd" * 8
    with span("serve case_routing.accept", parent=f"00-{trace}-{parent}-01"):
        source.publish("C1", "C2")
    source.publish("outside of any trace")
    wait_for(lambda: engines.depth(EVENT_QUEUE) == 3, "the events")
    with engines.channel() as channel:
        carried = {channel.basic_get(EVENT_QUEUE, auto_ack=True)[1].headers.get("traceparent") for _ in range(3)}
    assert relaying.stop() == 0
    found = received()
    assert [(s.name, s.trace_id.hex(), s.parent_span_id.hex()) for s in found] == [
        ("publish case_routing.CaseProgressed", trace, parent)
    ] * 2
    assert carried == {None, *(f"00-{trace}-{s.span_id.hex()}-01" for s in found)}
    ids = {
        attribute.value.string_value
        for s in found
        for attribute in s.attributes
        if attribute.key == "messaging.message.id"
    }
    assert ids == {str(id) for (id,) in source.rows("SELECT id FROM outbox WHERE headers ? 'traceparent'")}
