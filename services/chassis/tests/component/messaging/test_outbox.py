"""What goes to other districts is numbered by subject, comes from whom it says, and keeps its sender's id on arrival."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from chassis.clock import FixedClock, SystemClock, new_id
from chassis.outbox import Outbox
from tongban.case_routing.v1.case_routing_pb2 import HandOverOffered, HandOverTaken

from services.chassis.tests.component.messaging.bus import SOURCE, SUBSCRIBER
from services.chassis.tests.component.messaging.conftest import Proc, Store, wait_for
from tests.support.engines import Engines
from tests.support.transit import TRANSIT

StartProc = Callable[..., Proc]
OFFERED = "tongban.case_routing.v1.HandOverOffered"


def offer(source: Store, number: str, target: str = "310101", **extra: str) -> None:
    with source.database.transaction() as connection:
        outbox = Outbox(connection, SOURCE, SystemClock(), new_id, TRANSIT)
        outbox.send(HandOverOffered(number=number), target=target, subject=f"case/{number}", **extra)


def test_a_message_to_a_district_says_where_it_goes_and_what_it_opens(source: Store) -> None:
    with source.database.transaction() as connection:
        until = datetime(2026, 11, 24, tzinfo=UTC)
        Outbox(connection, SOURCE, FixedClock(), new_id, TRANSIT).send(
            HandOverOffered(number="C1"),
            target="*",
            subject="case/C1",
            opens="item-7",
            answers_to="m1",
            valid_until=until,
        )
    ((exchange, key, headers),) = source.rows("SELECT exchange, routing_key, headers FROM outbox")
    assert (exchange, key) == ("courier.outbound", "case_routing.HandOverOffered")
    assert headers.pop("cloudEvents:id")
    assert headers == {
        "cloudEvents:source": "case_routing",
        "cloudEvents:type": OFFERED,
        "cloudEvents:subject": "case/C1",
        "cloudEvents:time": "2026-11-23T01:00:00Z",
        "cloudEvents:specversion": "1.0",
        "cloudEvents:datacontenttype": "application/vnd.tongban.sealed",
        "tongban.target": "*",
        "tongban.subject_seq": 1,
        "tongban.opens": "item-7",
        "tongban.answers_to": "m1",
        "tongban.valid_until": "2026-11-24T00:00:00Z",
    }


def test_messages_of_one_target_and_subject_are_numbered_without_gaps(source: Store) -> None:
    threads = [threading.Thread(target=offer, args=(source, "C1")) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    offer(source, "C2")
    offer(source, "C1", target="330102")
    numbered = source.rows(
        "SELECT headers->>'tongban.target', headers->>'cloudEvents:subject', (headers->'tongban.subject_seq')::int FROM outbox"
    )
    expected = [("310101", "case/C1", n) for n in range(1, 21)] + [("310101", "case/C2", 1), ("330102", "case/C1", 1)]
    assert sorted(numbered) == sorted(expected)


def test_a_number_that_was_rolled_back_is_given_again(source: Store) -> None:
    for _ in range(2):
        try:
            with source.database.transaction() as connection:
                outbox = Outbox(connection, SOURCE, SystemClock(), new_id, TRANSIT)
                outbox.send(HandOverOffered(), target="310101", subject="case/C1")
                raise KeyError
        except KeyError:
            pass
    offer(source, "C1")
    assert source.one("SELECT headers->'tongban.subject_seq' FROM outbox") == 1


def test_a_message_to_a_district_waits_for_the_courier(engines: Engines, source: Store, relay: StartProc) -> None:
    relay()
    offer(source, "C1")
    wait_for(lambda: engines.depth("evt.courier.outbound") == 1, "the message")


def test_what_a_message_to_a_district_says_is_read_neither_in_its_row_nor_in_its_queue(
    engines: Engines, source: Store, relay: StartProc
) -> None:
    offer(source, "C-whose-content-nobody-reads")
    ((id, row),) = source.rows("SELECT id::text, body FROM outbox")
    relay()
    wait_for(lambda: engines.depth("evt.courier.outbound") == 1, "the message")
    with engines.channel() as channel:
        _, properties, body = channel.basic_get("evt.courier.outbound", auto_ack=True)
    assert properties.content_type == "application/vnd.tongban.sealed"
    for kept in (bytes(row), body):
        assert b"nobody-reads" not in kept
        opened = TRANSIT.open(kept, id=id, type=OFFERED)
        assert HandOverOffered.FromString(opened).number == "C-whose-content-nobody-reads"


def test_what_arrived_from_a_district_reaches_its_service_under_the_sender_s_id(
    engines: Engines, source: Store, target: Store, relay: StartProc, subscriber: StartProc
) -> None:
    relay(service="courier")
    subscriber()
    id = new_id()
    with source.database.transaction() as connection:
        Outbox(connection, "courier", SystemClock(), new_id, TRANSIT).hand_on(
            HandOverOffered(number="C1").SerializeToString(),
            to=SUBSCRIBER,
            type=OFFERED,
            id=id,
            subject="case/C1",
            district="310101",
            time=datetime(2026, 11, 23, tzinfo=UTC),
        )
    wait_for(lambda: target.rows("SELECT 1 FROM effects"), "the event")
    assert target.rows("SELECT handler, number, event FROM effects") == [("on_hand_over_offered", "C1", "310101")]
    assert target.rows("SELECT handler, source, id FROM inbox") == [
        ("notification.on_hand_over_offered", "courier@310101", str(id))
    ]


def test_an_event_that_nobody_handles_yet_is_published_and_not_taken_for_lost(source: Store, relay: StartProc) -> None:
    process = relay()
    with source.database.transaction() as connection:
        outbox = Outbox(connection, SOURCE, SystemClock(), new_id, TRANSIT)
        outbox.publish(HandOverTaken(number="C1"), subject="case/C1", version=1)
    wait_for(lambda: source.waiting() == 0, "its confirm")
    assert process.metric("tongban_outbox_unroutable_total") == 0
