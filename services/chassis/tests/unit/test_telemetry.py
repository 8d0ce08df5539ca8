"""Spans and traceparents, with the sender replaced: what leaves the process, and what happens when it cannot leave."""

import time

import pytest
from chassis import telemetry
from chassis.errors import Fault, Kind
from chassis.telemetry import export, metrics, names, tracing
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.samples import sample

PARENT = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
OTHER = "00-" + "12" * 16 + "-" + "34" * 8 + "-01"


class Collector:
    """Keeps what it is sent, or fails as told."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.failure: Exception | None = None

    def send(self, body: bytes, timeout_s: float) -> None:
        if self.failure:
            raise self.failure
        self.requests.append(ExportTraceServiceRequest.FromString(body))

    @property
    def spans(self):
        return [s for r in self.requests for rs in r.resource_spans for ss in rs.scope_spans for s in ss.spans]


@pytest.fixture
def collector(monkeypatch):
    collector = Collector()
    monkeypatch.setattr(tracing, "HttpSender", lambda endpoint: collector)
    telemetry.configure("case_routing", "320508", "http://127.0.0.1:1")
    yield collector
    collector.failure = None
    telemetry.configure("case_routing", "320508")


def dropped(reason: str) -> float:
    return export.SPANS_DROPPED.labels(reason)._value.get()


def test_a_span_carries_its_service_and_district(collector):
    with telemetry.span("serve catalogue.find_items", "server", {"rpc.method": "find_items"}):
        pass
    assert telemetry.flush()
    [request] = collector.requests
    resource = {a.key: a.value.string_value for a in request.resource_spans[0].resource.attributes}
    assert resource == {"service.name": "case_routing", "service.namespace": "tongban", "district": "320508"}
    [span] = collector.spans
    assert (span.name, span.kind) == ("serve catalogue.find_items", 2)
    assert span.end_time_unix_nano >= span.start_time_unix_nano > 1e18


def test_a_trace_goes_through_headers_to_the_next_process(collector):
    headers: dict[str, object] = {}
    with telemetry.span("publish case_routing.CaseProgressed", "producer"):
        telemetry.inject(headers)
    with telemetry.span("handle notification.on_case_progressed", "consumer", parent=telemetry.extract(headers)):
        pass
    telemetry.flush()
    publish, handle = collector.spans
    assert handle.trace_id == publish.trace_id
    assert handle.parent_span_id == publish.span_id


def test_an_inner_span_is_the_outers_child_unless_a_parent_came_in(collector):
    with telemetry.span("run a.b"), telemetry.span("run a.c"), telemetry.span("run a.d", parent=PARENT):
        pass
    telemetry.flush()
    innermost, inner, outer = collector.spans
    assert inner.parent_span_id == outer.span_id
    assert innermost.trace_id.hex() == "ab" * 16


def test_links_name_other_traces_and_malformed_ones_are_left_out(collector):
    with telemetry.span("run a.b", links=[OTHER, "", "nonsense"]):
        pass
    telemetry.flush()
    assert [link.trace_id.hex() for link in collector.spans[0].links] == ["12" * 16]


def test_an_error_marks_the_span_with_its_code_and_not_its_words(collector):
    with pytest.raises(Fault), telemetry.span("run a.b"):
        raise Fault("case_routing.already_closed", Kind.CONFLICT, "张三 13812345678")
    telemetry.flush()
    [span] = collector.spans
    assert span.status.code == 2
    assert span.attributes[0].value.string_value == "case_routing.already_closed"
    assert "13812345678" not in str(span)


def test_what_is_not_in_the_registry_does_not_leave(collector):
    with (
        telemetry.span("run a.b", attributes={"rpc.method": "x", "applicant": "张三"}) as here,
        telemetry.span("张三 a"),
    ):
        here.set_attribute("applicant.name", "张三")
    telemetry.flush()
    unnamed, span = collector.spans
    assert [a.key for a in span.attributes] == ["rpc.method"]
    assert unnamed.name == "unregistered"
    assert "张三" not in str(collector.requests[0])
    page = metrics.exposition().decode()
    for name in ("applicant", "applicant.name", "张三"):
        assert sample(page, "tongban_telemetry_names_refused_total", name=name) >= 1, name


def test_a_name_has_one_meaning():
    with pytest.raises(ValueError):
        names.declare(attributes={"rpc.method": "something else"})


def test_an_unavailable_collector_loses_nothing_that_fits_the_queue(collector):
    collector.failure = export.CollectorAwayError("away")
    for _ in range(10):
        with telemetry.span("run a.b"):
            pass
    assert not telemetry.flush(0.2)
    collector.failure = None
    assert telemetry.flush()
    assert len(collector.spans) == 10


def test_a_full_queue_drops_and_counts(collector):
    collector.failure = export.CollectorAwayError("away")
    processor = export.BoundedProcessor(collector, queue_spans=5, poll_s=60)
    before = dropped("queue_full")
    tracer_spans = []
    with telemetry.span("run a.b") as span:
        tracer_spans = [span] * 8
    for span in tracer_spans:
        processor.on_end(span)
    assert dropped("queue_full") - before == 3
    processor.force_flush(100)
    assert len(processor._queue) == 5
    processor._stopped.set()


def test_a_refused_batch_is_dropped_and_counted(collector):
    collector.failure = export.BatchRefusedError("400")
    before = dropped("refused")
    with telemetry.span("run a.b"):
        pass
    telemetry.flush()
    assert dropped("refused") - before == 1


def test_spans_are_sent_without_being_asked(collector):
    with telemetry.span("run a.b"):
        pass
    until = time.monotonic() + 5
    while not collector.spans and time.monotonic() < until:
        time.sleep(0.05)
    assert len(collector.spans) == 1


@pytest.mark.parametrize(
    "value",
    ["", "x", 7, None, "00-" + "0" * 32 + "-" + "cd" * 8 + "-01", PARENT.upper(), PARENT[:-1], "ff" + PARENT[2:]],
)
def test_a_malformed_traceparent_counts_as_none(value):
    assert telemetry.extract({"traceparent": value}) == ""
    assert telemetry.trace_id_of("nonsense") == ""


def test_a_traceparent_is_read_as_text_or_octets():
    assert telemetry.extract({"traceparent": PARENT}) == telemetry.extract({"traceparent": PARENT.encode()}) == PARENT


def test_where_tracing_is_off_a_trace_is_passed_on_unchanged():
    telemetry.configure("case_routing", "320508")
    headers: dict[str, object] = {}
    with telemetry.span("run a.b", parent=PARENT) as span:
        span.set_attribute("tongban.outcome", "ok")
        telemetry.inject(headers)
        assert telemetry.current_trace_id() == "ab" * 16
    assert headers == {"traceparent": PARENT}
    with telemetry.span("run a.b"):
        assert telemetry.current_traceparent() == ""


def test_a_lazy_span_of_which_nothing_came_is_not_sent(collector):
    for _ in range(3):
        with telemetry.span("run a.idle", lazy=True):
            telemetry.current_trace_id()  # as every log line asks
    telemetry.flush()
    assert collector.spans == []
    assert tracing._unused == set()


def test_a_lazy_span_is_kept_with_what_came_of_it(collector):
    headers: dict[str, object] = {}
    with telemetry.span("run a.parent", lazy=True), telemetry.span("call b.c"):
        pass
    with telemetry.span("run a.sender", lazy=True):
        telemetry.inject(headers)
    with pytest.raises(KeyError), telemetry.span("run a.failing", lazy=True):
        raise KeyError
    telemetry.flush()
    child, parent, sender, failing = collector.spans
    assert [s.name for s in (parent, sender, failing)] == ["run a.parent", "run a.sender", "run a.failing"]
    assert child.parent_span_id == parent.span_id
    assert sender.span_id.hex() in headers["traceparent"]
    assert failing.status.code == 2
    assert tracing._unused == set()


def test_a_published_message_has_a_span_below_the_trace_it_was_written_in(collector):
    attributes = {"messaging.system": "rabbitmq", "messaging.message.id": "m1"}
    taken = telemetry.published("publish a.B", attributes, parent=PARENT)
    refused = telemetry.published("publish a.B", attributes, parent=PARENT)
    taken.end()
    refused.end("unroutable")
    telemetry.flush()
    first, second = collector.spans
    assert (first.name, first.kind, first.trace_id.hex(), first.parent_span_id.hex()) == (
        "publish a.B",
        4,
        "ab" * 16,
        "cd" * 8,
    )
    assert taken.traceparent == f"00-{'ab' * 16}-{first.span_id.hex()}-01"
    assert {a.key: a.value.string_value for a in first.attributes} == attributes
    assert first.end_time_unix_nano >= first.start_time_unix_nano > 0
    assert (first.status.code, second.status.code) == (0, 2)
    assert {a.key: a.value.string_value for a in second.attributes}["error.type"] == "unroutable"
    assert telemetry.published("publish a.B", attributes, parent="") is None
    telemetry.configure("case_routing", "320508")
    assert telemetry.published("publish a.B", attributes, parent=PARENT) is None
