"""The receiver over real sockets: what it takes, what it refuses, who may read, and what it forgets."""

import gzip
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tongban_spans import server as server_module
from tongban_spans.fetch import AwayError, RefusedError, fetch_trace
from tongban_spans.otlp import StoredSpan, spans_in
from tongban_spans.server import SpanServer
from tongban_spans.store import SpanStore
from tongban_spans.tree import counts, spans_of

from tests.support.samples import sample

TRACE = "ab" * 16
TOKEN = "a-token-that-may-read"


def request(*span_ids: int, district: str = "320508") -> bytes:
    message = ExportTraceServiceRequest()
    batch = message.resource_spans.add()
    for key, value in (("service.name", "courier"), ("district", district)):
        batch.resource.attributes.add(key=key).value.string_value = value
    scope = batch.scope_spans.add()
    for number in span_ids:
        scope.spans.add(
            trace_id=bytes.fromhex(TRACE), span_id=number.to_bytes(8, "big"), name="send x", start_time_unix_nano=1, end_time_unix_nano=2
        )  # fmt: skip
    return message.SerializeToString()


@pytest.fixture
def receiver(tmp_path):
    store = SpanStore(tmp_path)
    server = SpanServer(("127.0.0.1", 0), store, tokens=[TOKEN])
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
    store.close()


def url(server: SpanServer) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


def post(server: SpanServer, body: bytes, path: str = "/v1/traces", **headers: str) -> int:
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=10)
    connection.request(
        "POST",
        path,
        body,
        {"content-type": "application/x-protobuf"} | {k.replace("_", "-"): v for k, v in headers.items()},
    )
    status = connection.getresponse().status
    connection.close()
    return status


def test_spans_go_in_as_otlp_and_come_out_as_tempo_gives_them(receiver):
    assert post(receiver, request(1, 2)) == 200
    answer = fetch_trace(url(receiver), TRACE, TOKEN)
    assert list(answer) == ["batches"]
    assert counts(spans_of(answer)) == {"320508": {"courier": 2}}
    assert spans_of(answer)[0].trace_id == TRACE


def test_gzip_is_taken(receiver):
    assert post(receiver, gzip.compress(request(1)), content_encoding="gzip") == 200
    assert receiver.store.count() == 1


def test_a_second_try_of_the_same_batch_is_kept_once(receiver):
    assert post(receiver, request(1, 2)) == post(receiver, request(2, 3)) == 200
    assert receiver.store.count() == 3


def test_reading_takes_the_right_token(receiver):
    post(receiver, request(1))
    for token in ("", "wrong", TOKEN + "x"):
        with pytest.raises(RefusedError):
            fetch_trace(url(receiver), TRACE, token)


def test_without_a_token_file_nobody_reads(receiver):
    receiver.tokens = ()
    for token in ("", "anything"):
        with pytest.raises(RefusedError):
            fetch_trace(url(receiver), TRACE, token)


def test_an_unknown_trace_is_not_here(receiver):
    assert fetch_trace(url(receiver), "ef" * 16, TOKEN) is None


def test_a_source_that_is_away_says_so():
    with pytest.raises(AwayError):
        fetch_trace("http://127.0.0.1:1", TRACE, TOKEN)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"\xff\xff\xff", {}, 400),
        (b"{}", {"content_type": "application/json"}, 415),
        (b"not gzip", {"content_encoding": "gzip"}, 400),
        (gzip.compress(b"x" * 100)[:-9], {"content_encoding": "gzip"}, 400),
    ],
)
def test_what_is_not_a_trace_request_is_refused_and_the_next_is_taken(receiver, body, headers, status):
    assert post(receiver, body, **headers) == status
    with urllib.request.urlopen(f"{url(receiver)}/metrics", timeout=10) as page:
        assert sample(page.read().decode(), "tongban_spans_requests_refused_total", status=str(status)) == 1
    assert post(receiver, request(1)) == 200


def test_a_request_that_is_too_large_packed_or_unpacked_is_refused(receiver, monkeypatch):
    monkeypatch.setattr(server_module, "LARGEST_CONTENT", 1000)
    assert post(receiver, gzip.compress(b"\0" * 5000), content_encoding="gzip") == 413
    monkeypatch.setattr(server_module, "LARGEST_BODY", 10)
    assert post(receiver, request(1)) == 413


def test_other_pages_are_not_there(receiver):
    assert post(receiver, request(1), path="/v1/logs") == 404


def test_liveness_and_metrics_need_no_token(receiver):
    post(receiver, request(1, 2))
    post(receiver, request(2))
    connection = http.client.HTTPConnection(*receiver.server_address[:2], timeout=10)
    for path, wanted in (
        ("/livez", b"alive"),
        ("/metrics", b"tongban_spans_received_total 3.0"),
        ("/metrics", b"tongban_spans_kept_total 2.0"),
    ):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200 and wanted in answer.read()
    connection.close()


def spans(number: int) -> list[StoredSpan]:
    return list(spans_in(request(*range(1, number + 1))))


def test_old_spans_are_forgotten(tmp_path):
    now = [1000.0]
    store = SpanStore(tmp_path, keep_s=60, now=lambda: now[0])
    store.add(spans(5))
    assert store.forget() == 0
    now[0] += 61
    assert store.forget() == 5
    store.close()


def test_the_oldest_go_when_there_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr("tongban_spans.store.CHUNK_ROWS", 500)
    now = [1000.0]
    store = SpanStore(tmp_path, keep_bytes=200_000, now=lambda: now[0])
    store.add(spans(4000))
    now[0] += 1
    late = [StoredSpan(b"\x01" * 16, b"\x01" * 8, b"", b"")]
    store.add(late)
    assert store.forget() > 0
    assert store.size() <= 200_000
    assert store.trace(b"\x01" * 16) == late
    store.close()


def test_spans_are_there_after_a_restart(tmp_path):
    store = SpanStore(tmp_path)
    store.add(spans(3))
    store.close()
    again = SpanStore(tmp_path)
    assert len(again.trace(bytes.fromhex(TRACE))) == 3
    again.add(spans(4))
    assert again.count() == 4
    again.close()


def test_the_program_runs_and_ends_at_sigterm(tmp_path):
    token_file = tmp_path / "tokens"
    token_file.write_text(TOKEN + "\n")
    command = [sys.executable, "-m", "tongban_spans", "--listen", "127.0.0.1:0", "--data", str(tmp_path / "d"), "--token-file", str(token_file)]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        port = int(process.stderr.readline().rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/v1/traces", request(1), {"content-type": "application/x-protobuf"})
        assert connection.getresponse().status == 200
        connection.close()
        assert json.dumps(fetch_trace(f"http://127.0.0.1:{port}", TRACE, TOKEN))
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(10) == 0
