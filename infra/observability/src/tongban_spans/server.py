"""The receiver and trace source: POST /v1/traces, GET /api/traces/<id>, GET /livez and /metrics, on plain threads.

Anyone on the listening address may add spans, as with any OTLP collector; reading takes a bearer token, because spans show
who worked on what. Without a token file nobody may read.
"""

from __future__ import annotations

import hmac
import json
import logging
import re
import socket
import ssl
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, Counter, generate_latest

from tongban_spans.otlp import MalformedError, TooLargeError, spans_in, tempo_answer, unzip
from tongban_spans.store import SpanStore

log = logging.getLogger(__name__)

LARGEST_BODY = 8 * 2**20
LARGEST_CONTENT = 32 * 2**20
CONNECTIONS_AT_ONCE = 128
FORGET_EVERY_S = 30.0

_TRACE_PATH = re.compile(r"/api/traces/([0-9a-fA-F]{32})")


class SpanServer(ThreadingHTTPServer):
    """Serves one store until `shutdown`."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        store: SpanStore,
        *,
        tokens: Sequence[str] = (),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.store, self.tokens = store, tokens
        self.registry = CollectorRegistry()
        self.received = Counter("tongban_spans_received", "Spans taken, repeated ones too.", registry=self.registry)
        self.kept = Counter("tongban_spans_kept", "Spans taken for the first time.", registry=self.registry)
        self.refused = Counter(
            "tongban_spans_requests_refused", "Requests refused.", ["status"], registry=self.registry
        )
        self._places = threading.BoundedSemaphore(CONNECTIONS_AT_ONCE)
        self._ended = threading.Event()
        super().__init__(address, _Handler)
        if tls is not None:  # the handshake happens in the connection's own thread, at the first read
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._forget, name="forget", daemon=True).start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)  # an exporter tries again later
            return
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.warning("a request failed", exc_info=True)

    def _forget(self) -> None:
        while not self._ended.wait(FORGET_EVERY_S):
            try:
                self.store.forget()
            except Exception:
                log.exception("old spans could not be removed")

    def server_close(self) -> None:
        self._ended.set()
        super().server_close()


class _Handler(BaseHTTPRequestHandler):
    server: SpanServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "tongban-spans", ""
    timeout = 60.0
    # Headers and body go out as two writes; without this the second waits for the first one's acknowledgement.
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        if self.path.partition("?")[0] != "/v1/traces":
            return self._refuse(404, "no such page", close=True)
        length = self.headers.get("content-length", "")
        if not length.isdecimal():
            return self._refuse(411, "say how long the body is", close=True)
        if int(length) > LARGEST_BODY:
            return self._refuse(413, f"at most {LARGEST_BODY} octets", close=True)
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            return self._refuse(400, "the body ends too early", close=True)
        if self.headers.get_content_type() != "application/x-protobuf":
            return self._refuse(415, "send OTLP as application/x-protobuf")
        return self._take(body)

    def _take(self, body: bytes) -> None:
        try:
            if self.headers.get("content-encoding", "identity") == "gzip":
                body = unzip(body, LARGEST_CONTENT)
            spans = list(spans_in(body))
        except TooLargeError:
            return self._refuse(413, f"at most {LARGEST_CONTENT} octets when unpacked")
        except MalformedError as error:
            return self._refuse(400, str(error))
        new = self.server.store.add(spans)
        self.server.received.inc(len(spans))
        self.server.kept.inc(new)
        return self._answer(200, "application/x-protobuf", b"")  # an empty ExportTraceServiceResponse

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/livez":
            return self._answer(200, "application/json", b'{"alive": true}')
        if path == "/metrics":
            return self._answer(200, "text/plain; version=0.0.4; charset=utf-8", generate_latest(self.server.registry))
        if path.startswith("/api/traces/"):
            return self._give(path)
        return self._refuse(404, "no such page")

    def _give(self, path: str) -> None:
        if not self._may_read():
            return self._refuse(401, "reading takes a bearer token")
        wanted = _TRACE_PATH.fullmatch(path)
        if not wanted:
            return self._refuse(400, "a trace id is 32 hexadecimal digits")
        stored = self.server.store.trace(bytes.fromhex(wanted[1]))
        if not stored:
            return self._refuse(404, "no such trace here")
        return self._answer(200, "application/json", json.dumps(tempo_answer(stored)).encode())

    def _may_read(self) -> bool:
        scheme, _, given = self.headers.get("authorization", "").partition(" ")
        matches = [hmac.compare_digest(given.strip().encode(), token.encode()) for token in self.server.tokens]
        return scheme.lower() == "bearer" and any(matches)

    def _refuse(self, status: int, why: str, *, close: bool = False) -> None:
        self.server.refused.labels(str(status)).inc()
        self.close_connection = self.close_connection or close
        self._answer(status, "application/json", json.dumps({"error": why}).encode())

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a line for every batch of spans would be the longest log in the district."""
