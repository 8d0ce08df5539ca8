"""The running service on a real broker, database and mail server; identity stands in at its queue."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pika
import pytest
from chassis.contracts import timestamp
from chassis.database import Database
from chassis.errors import Fault, Kind
from chassis.wire import PROTOBUF, RPC_EXCHANGE, encode_fault
from sqlalchemy import text
from tongban.case_routing.v1.case_routing_pb2 import CaseProgressed
from tongban.common.v1 import common_pb2 as common
from tongban.hotline.v1.hotline_pb2 import TicketProgressed
from tongban.identity.v1.identity_pb2 import Contact, GetContactRequest
from tongban.notification.v1 import notification_pb2 as pb
from tongban_spans.otlp import tempo_answer
from tongban_spans.server import SpanServer
from tongban_spans.store import SpanStore
from tongban_spans.tree import spans_of

from tests.support.calls import BusClient, a_person, eventually

from ..post_office import PostOffice, open_post_office

pytestmark = pytest.mark.engines

AT = timestamp(datetime(2026, 11, 23, 1, 0, tzinfo=UTC))
OPERATOR = a_person("operator", subject="sre-1")


class Identity:
    """Answers get_contact at identity's own queue, with identity's own rights."""

    def __init__(self) -> None:
        self.emails: dict[str, str] = {}
        self.fault: Fault | None = None

    def answer(self, channel, method, properties, body) -> None:
        subject = GetContactRequest.FromString(body).subject
        fault = self.fault or (
            None if subject in self.emails else Fault("identity.not_known", Kind.NOT_FOUND, "Nobody.")
        )
        if fault:
            reply, content_type = encode_fault(fault), "application/json"
        else:
            reply, content_type = Contact(subject=subject, email=self.emails[subject]).SerializeToString(), PROTOBUF
        answer = pika.BasicProperties(
            content_type=content_type, correlation_id=properties.correlation_id, user_id="identity"
        )
        channel.basic_publish(RPC_EXCHANGE, properties.reply_to, reply, answer)
        channel.basic_ack(method.delivery_tag)


@contextmanager
def running_identity(engines) -> Iterator[Identity]:
    identity, started, ended = Identity(), threading.Event(), threading.Event()

    def serve() -> None:
        with engines.channel(engines.amqp_url("identity")) as channel:
            channel.basic_consume("rpc-identity", identity.answer)
            started.set()
            while not ended.is_set():
                channel.connection.process_data_events(0.1)

    thread = threading.Thread(target=serve)
    thread.start()
    assert started.wait(10)
    try:
        yield identity
    finally:
        ended.set()
        thread.join()


@pytest.fixture(scope="module")
def office() -> Iterator[PostOffice]:
    with open_post_office() as office:
        yield office


@pytest.fixture(scope="module")
def spans(tmp_path_factory) -> Iterator[SpanServer]:
    store = SpanStore(tmp_path_factory.mktemp("spans"))
    server = SpanServer(("127.0.0.1", 0), store)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
    store.close()


@pytest.fixture(scope="module")
def process(broker, database, service_process, office, spans):
    return service_process(
        "notification",
        database,
        TONGBAN_SMTP_HOST=office.host,
        TONGBAN_SMTP_PORT=str(office.port),
        TONGBAN_SMTP_STARTTLS="if_offered",
        TONGBAN_MAIL_FROM="noreply@320508.example",
        TONGBAN_PORTAL_URL="https://portal.example",
        TONGBAN_RETRY_LADDER="1",
        TONGBAN_OTLP_ENDPOINT=f"http://127.0.0.1:{spans.server_address[1]}",
    )


@pytest.fixture
def bus(process, broker) -> BusClient:
    return BusClient(broker)


@pytest.fixture
def identity(broker) -> Iterator[Identity]:
    with running_identity(broker) as identity:
        yield identity


@pytest.fixture(scope="module")
def rows(database):
    pool = Database(database.owner_url)

    def run(query: str, **values):
        with pool.transaction() as connection:
            result = connection.execute(text(query), values)
            return result.all() if result.returns_rows else []

    yield run
    pool.close()


def progressed(number: str, event: str = "accepted", subject: str = "person-1") -> CaseProgressed:
    return CaseProgressed(
        number=number,
        event=event,
        at=AT,
        item_name_zh="社会保障卡申领",
        item_name_en="apply for a social-security card",
        applicant_subject=subject,
    )


def happens(bus, number: str, event: str = "accepted", **more) -> None:
    bus.tell(progressed(number, event, **more), source="case_routing", subject=f"case/{number}")


def deliveries(bus, about: str) -> list[pb.Delivery]:
    request = pb.ListDeliveriesRequest(about=about)
    return list(bus.call("notification.list_deliveries", request, pb.ListDeliveriesResponse, actor=OPERATOR).deliveries)


def mail_state(bus, about: str) -> int:
    states = [row.state for row in deliveries(bus, about) if row.channel == pb.CHANNEL_EMAIL]
    return states[0] if states else 0


def messages(bus, subject: str, **page) -> pb.ListMessagesResponse:
    request = pb.ListMessagesRequest(page=common.PageRequest(**page))
    actor = a_person("citizen", subject=subject)
    return bus.call("notification.list_messages", request, pb.ListMessagesResponse, actor=actor)


def test_a_person_gets_a_message_and_a_mail_once_however_often_the_event_is_told(bus, identity, office) -> None:
    identity.emails["person-1"] = "person-1@example.org"
    for _ in range(3):
        happens(bus, "case-1")
    eventually(lambda: mail_state(bus, "case-1") == pb.DELIVERY_STATE_SENT)
    happens(bus, "case-1-next")
    eventually(lambda: mail_state(bus, "case-1-next") == pb.DELIVERY_STATE_SENT)
    assert len(deliveries(bus, "case-1")) == 2
    assert [m.about for m in messages(bus, "person-1").messages] == ["case-1-next", "case-1"]
    mails = [mail for mail in office.mails if "case-1\n" in mail.get_content().replace("\r\n", "\n")]
    assert len(mails) == 1
    assert office.recipients[0] == "person-1@example.org"
    assert "已受理" in mails[0]["Subject"] and "accepted" in mails[0]["Subject"]


def test_a_ticket_is_told_too(bus, identity, office) -> None:
    identity.emails["person-t"] = "person-t@example.org"
    bus.tell(
        TicketProgressed(number="ticket-1", event="answered", at=AT, opener_subject="person-t"),
        source="hotline",
        subject="ticket/ticket-1",
    )
    eventually(lambda: mail_state(bus, "ticket-1") == pb.DELIVERY_STATE_SENT)
    [message] = messages(bus, "person-t").messages
    assert "工单" in message.title


def test_a_message_is_marked_by_its_owner_only(bus, identity) -> None:
    happens(bus, "case-read", subject="person-read")
    eventually(lambda: messages(bus, "person-read").messages)
    [message] = messages(bus, "person-read").messages
    assert not message.read
    request = pb.MarkMessageReadRequest(id=message.id)

    def mark(subject: str) -> pb.InAppMessage:
        actor = a_person("citizen", subject=subject)
        return bus.call("notification.mark_message_read", request, pb.InAppMessage, actor=actor)

    with pytest.raises(Fault) as refused:
        mark("person-1")
    assert (refused.value.code, refused.value.kind) == ("notification.message_not_found", "not_found")
    assert messages(bus, "person-1", size=100).messages is not None
    assert mark("person-read").read
    assert [m.read for m in messages(bus, "person-read").messages] == [True]


def test_messages_come_page_by_page(bus, identity) -> None:
    for event in ("submitted", "accepted", "granted", "closed"):
        happens(bus, "case-pages", event, subject="person-pages")
    eventually(lambda: len(messages(bus, "person-pages").messages) == 4)
    first = messages(bus, "person-pages", size=3)
    rest = messages(bus, "person-pages", size=3, cursor=first.page.next)
    ids = [m.id for m in first.messages] + [m.id for m in rest.messages]
    assert (len(first.messages), len(rest.messages), rest.page.next) == (3, 1, "")
    assert ids == sorted(ids, reverse=True)


@pytest.mark.parametrize("actor", [None, a_person("clerk", "operator", "agent")])
def test_staff_do_not_read_peoples_messages(bus, actor) -> None:
    with pytest.raises(Fault) as refused:
        bus.call("notification.list_messages", pb.ListMessagesRequest(), pb.ListMessagesResponse, actor=actor)
    assert refused.value.code == "rpc.forbidden"


def test_only_operators_see_deliveries(bus) -> None:
    with pytest.raises(Fault) as refused:
        bus.call(
            "notification.list_deliveries",
            pb.ListDeliveriesRequest(about="case-1"),
            pb.ListDeliveriesResponse,
            actor=a_person("citizen"),
        )
    assert refused.value.code == "rpc.forbidden"


def test_a_person_at_home_elsewhere_gets_no_mail_from_here(bus, identity) -> None:
    happens(bus, "case-foreign", subject="pairwise-1")
    eventually(lambda: mail_state(bus, "case-foreign") == pb.DELIVERY_STATE_SKIPPED)


def test_while_identity_is_away_mails_wait_and_go_out_when_it_is_back(bus, broker, rows) -> None:
    happens(bus, "case-wait", subject="person-wait")

    def failed_once() -> bool:
        return any(row.last_error.startswith("contact.") for row in deliveries(bus, "case-wait"))

    eventually(failed_once)
    assert mail_state(bus, "case-wait") == pb.DELIVERY_STATE_WAITING
    broker.purge()
    with running_identity(broker) as identity:
        identity.emails["person-wait"] = "person-wait@example.org"
        rows("UPDATE deliveries SET due_at = now() WHERE state = 'waiting'")
        eventually(lambda: mail_state(bus, "case-wait") == pb.DELIVERY_STATE_SENT)


def test_a_mail_server_that_refuses_for_good_ends_the_tries(bus, identity, office) -> None:
    identity.emails["person-gone"] = "person-gone@example.org"
    office.order(recipient="550 person-gone@example.org is unknown")
    try:
        happens(bus, "case-gone", subject="person-gone")
        eventually(lambda: mail_state(bus, "case-gone") == pb.DELIVERY_STATE_FAILED)
    finally:
        office.order()
    [row] = [row for row in deliveries(bus, "case-gone") if row.channel == pb.CHANNEL_EMAIL]
    assert row.last_error == "smtp.550"


def test_a_process_killed_after_the_server_took_the_mail_sends_the_very_same_mail_again(
    bus, identity, office, process, rows
) -> None:
    identity.emails["person-crash"] = "person-crash@example.org"
    office.order(hold=True)
    happens(bus, "case-crash", subject="person-crash")
    taken = lambda: [mail for mail in office.mails if mail["To"] == "person-crash@example.org"]  # noqa: E731
    eventually(taken)
    process.kill()
    office.order()
    process.start()
    assert mail_state(bus, "case-crash") == pb.DELIVERY_STATE_WAITING
    rows("UPDATE deliveries SET due_at = now() WHERE state = 'waiting'")
    eventually(lambda: mail_state(bus, "case-crash") == pb.DELIVERY_STATE_SENT)
    first, second = taken()
    assert first.as_bytes() == second.as_bytes()
    assert first["Message-ID"] == second["Message-ID"]


def test_the_mail_stands_in_the_trace_of_what_happened_and_no_address_in_any_span(
    bus, identity, rows, spans, office
) -> None:
    identity.emails["person-trace"] = "person-trace@example.org"
    happens(bus, "case-trace", subject="person-trace")
    eventually(lambda: mail_state(bus, "case-trace") == pb.DELIVERY_STATE_SENT)
    query = (
        "SELECT traceparent FROM deliveries JOIN notices ON notices.id = notice_id WHERE about = 'case-trace' LIMIT 1"
    )
    trace_id = bytes.fromhex(rows(query)[0][0].split("-")[1])

    def names() -> set[str]:
        return {span.name for span in spans_of(tempo_answer(spans.store.trace(trace_id)))}

    wanted = {"handle notification.on_case_progressed", "send mail", "call identity.get_contact"}
    eventually(lambda: names() >= wanted)
    stored = b"".join(row.span + row.resource for row in spans.store.trace(trace_id))
    assert not any(address.encode() in stored for address in office.recipients)


def test_no_address_is_kept_or_logged(process, rows, office) -> None:
    tables = [name for (name,) in rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    kept = " ".join(str(row) for table in tables for row in rows(f"SELECT * FROM {table}"))
    log = process.log.read_text()
    assert office.recipients and "case-gone" in kept and "mail not sent" in log
    for address in {*office.recipients, "person-gone@example.org"}:
        assert address not in kept and address not in log


def test_every_try_is_counted(process) -> None:
    _, metrics = process.get("/metrics")
    assert 'tongban_mails_total{district="320508",service="notification",state="sent"}' in metrics
