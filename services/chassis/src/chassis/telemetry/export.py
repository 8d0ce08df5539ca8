"""Spans leave through a bounded queue and a background sender; work never waits for the collector.

The processor is plain Python threading, so that after eventlet's monkey patch the sender is a greenlet and elsewhere a
thread. It polls instead of being woken: a span may end in the hub's own greenlet, where nothing may switch.
"""

from __future__ import annotations

import http.client
import logging
import ssl
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from chassis.telemetry.encode import encode
from chassis.telemetry.metrics import SPANS_DROPPED, SPANS_EXPORTED

log = logging.getLogger(__name__)

QUEUE_SPANS = 8192
BATCH_SPANS = 256
POLL_S = 0.5
BACKOFF_MAX_S = 15.0
SEND_TIMEOUT_S = 2.0


class CollectorAwayError(Exception):
    """The collector is away, silent or overloaded: the batch is worth another try."""


class BatchRefusedError(Exception):
    """The collector will never take this batch."""


class Sender(Protocol):
    def send(self, body: bytes, timeout_s: float) -> None:
        """Hands one ExportTraceServiceRequest over. Raises CollectorAwayError or BatchRefusedError."""


class HttpSender:
    """OTLP/HTTP (binary protobuf) to `<endpoint>/v1/traces` over one kept connection."""

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the OTLP endpoint must be a URL like http://127.0.0.1:4318")
        self._host, self._secure = parts.hostname, parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 4318)
        self._path = parts.path.rstrip("/") + "/v1/traces"
        self._connection: http.client.HTTPConnection | None = None

    def send(self, body: bytes, timeout_s: float) -> None:
        headers = {"content-type": "application/x-protobuf"}
        try:
            connection = self._connect(timeout_s)
            connection.request("POST", self._path, body, headers)
            answer = connection.getresponse()
            answer.read(65536)
        except (OSError, http.client.HTTPException) as error:
            self._close()
            raise CollectorAwayError(type(error).__name__) from error
        if answer.status in (429, 502, 503, 504):
            raise CollectorAwayError(str(answer.status))
        if not 200 <= answer.status < 300:
            raise BatchRefusedError(str(answer.status))

    def _connect(self, timeout_s: float) -> http.client.HTTPConnection:
        if self._connection is None:
            self._connection = (
                http.client.HTTPSConnection(self._host, self._port, context=ssl.create_default_context())
                if self._secure
                else http.client.HTTPConnection(self._host, self._port)
            )
        self._connection.timeout = timeout_s
        if self._connection.sock is not None:
            self._connection.sock.settimeout(timeout_s)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class BoundedProcessor(SpanProcessor):
    """Keeps at most `QUEUE_SPANS` finished spans; a full queue drops the newest and counts it."""

    def __init__(self, sender: Sender, *, queue_spans: int = QUEUE_SPANS, poll_s: float = POLL_S) -> None:
        self._sender, self._limit, self._poll_s = sender, queue_spans, poll_s
        self._queue: deque[ReadableSpan] = deque()
        self._sending = threading.Lock()
        self._stopped = threading.Event()
        self._full = SPANS_DROPPED.labels("queue_full")
        self._pause_s = 0.0
        self._thread = threading.Thread(target=self._run, name="span-sender", daemon=True)
        self._thread.start()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing to do before a span has ended."""

    def on_end(self, span: ReadableSpan) -> None:
        if len(self._queue) < self._limit:
            self._queue.append(span)
        else:
            self._full.inc()

    def _run(self) -> None:
        while not self._stopped.wait(self._poll_s + self._pause_s):
            try:
                self._drain(time.monotonic() + SEND_TIMEOUT_S, SEND_TIMEOUT_S)
            except Exception:  # a defect here must end neither the sender nor, under eventlet, the hub
                log.exception("spans could not be sent")
                self._back_off()

    def _drain(self, until: float, timeout_s: float) -> bool:
        """Sends batches until the queue is empty, time is up or the collector fails; True if the queue is empty."""
        while self._queue:
            remaining = until - time.monotonic()
            if remaining <= 0 or not self._sending.acquire(timeout=remaining):
                return False
            try:
                if not self._send_one(min(timeout_s, max(0.05, until - time.monotonic()))):
                    return False
            finally:
                self._sending.release()
            time.sleep(0)  # under eventlet: let the work run between two batches
        return True

    def _send_one(self, timeout_s: float) -> bool:
        batch = self._take(BATCH_SPANS)
        if not batch:
            return True
        try:
            self._sender.send(encode(batch), timeout_s)
        except CollectorAwayError:
            self._put_back(batch)
            self._back_off()
            return False
        except BatchRefusedError as refusal:
            SPANS_DROPPED.labels("refused").inc(len(batch))
            log.warning("the collector refused %d spans: %s", len(batch), refusal)
        except Exception:
            SPANS_DROPPED.labels("unsendable").inc(len(batch))
            raise
        else:
            SPANS_EXPORTED.inc(len(batch))
        self._pause_s = 0.0
        return True

    def _take(self, most: int) -> list[ReadableSpan]:
        batch: list[ReadableSpan] = []
        try:
            while len(batch) < most:
                batch.append(self._queue.popleft())
        except IndexError:
            pass
        return batch

    def _put_back(self, batch: Sequence[ReadableSpan]) -> None:
        room = max(0, self._limit - len(self._queue))
        self._full.inc(max(0, len(batch) - room))
        self._queue.extendleft(reversed(batch[:room]))

    def _back_off(self) -> None:
        self._pause_s = min(BACKOFF_MAX_S, self._pause_s * 2 or self._poll_s)

    def force_flush(self, timeout_millis: int = 2000) -> bool:
        """Sends what is queued, in the caller's thread, for at most the given time."""
        try:
            return self._drain(time.monotonic() + timeout_millis / 1000, timeout_millis / 1000)
        except Exception:
            log.exception("spans could not be flushed")
            return False

    def shutdown(self) -> None:
        self._stopped.set()
        if not self.force_flush():
            SPANS_DROPPED.labels("unflushed").inc(len(self._queue))
