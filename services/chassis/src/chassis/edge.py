"""What the web processes share: problem bodies, an envelope around every request, rates, and serving with TLS.

asyncio only: nothing here imports eventlet or nameko. An error becomes an answer in one place: `Fault.kind` gives the
HTTP status by the table `STATUS`, and the body is a problem (RFC 9457) with our code and the trace id. Nothing below the
edge knows an HTTP status.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import health
from chassis.errors import Fault, Kind, fault_of, internal
from chassis.logs import get_logger
from chassis.telemetry import counter, current_trace_id, extract, histogram, span

log = get_logger(__name__)

PROBLEM = "application/problem+json"
LARGEST_BODY = 1024 * 1024
BODY_TIMEOUT_S = 20.0
RETRY_AFTER_S = 2

#: Kind of a fault → HTTP status; the only such table. An unanswered call may be tried again like an unavailable one.
STATUS: dict[Kind, HTTPStatus] = {
    Kind.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Kind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Kind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Kind.CONFLICT: HTTPStatus.CONFLICT,
    Kind.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Kind.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    Kind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Kind.DEADLINE: HTTPStatus.SERVICE_UNAVAILABLE,
    Kind.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}

#: What HTTP itself refuses, before any of our code: status → code and sentence.
_REFUSED: dict[int, tuple[str, str]] = {
    400: ("request.invalid", "The request could not be read."),
    404: ("request.no_such_resource", "There is nothing at this address; see /openapi.json for what there is."),
    405: (
        "request.method_not_allowed",
        "This address does not answer to this method; the header Allow names those it answers to.",
    ),
    408: ("request.too_slow", "The body did not arrive in time; send it again."),
    413: ("request.too_large", "The body is larger than 1 MiB."),
    415: ("request.unsupported_media_type", "Send this body with another content type; see /openapi.json."),
}

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"strict-transport-security": b"max-age=31536000",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
}

ANSWERED = counter("tongban_http_answered_total", "HTTP requests answered.", "method", "route", "status")
ANSWER_SECONDS = histogram(
    "tongban_http_answer_seconds", "From a request's head to the end of its answer.", "method", "route"
)


def problem(
    fault: Fault,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """`fault` as an answer; `more` adds members to the body, `status` overrules the table for what HTTP itself refuses."""
    status = int(status or STATUS[fault.kind])
    body: dict[str, Any] = {
        "type": f"urn:tongban:problem:{fault.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": fault.message,
        "code": fault.code,
        "trace_id": current_trace_id(),
        "details": fault.details,
        "errors": [],
        **(more or {}),
    }
    sent = dict(headers or {})
    if status in (429, 503):
        sent.setdefault("Retry-After", fault.details.get("retry_after_s", str(RETRY_AFTER_S)))
    if status == 401:
        sent.setdefault("WWW-Authenticate", 'Bearer realm="tongban"')
    return JSONResponse(body, status, sent, media_type=PROBLEM)


async def http_refusal(request: Request, error: Exception) -> Response:
    """What Starlette refuses (no such route, wrong method, unreadable body) as a problem."""
    assert isinstance(error, HTTPException)
    headers = {"Allow": ", ".join(_allowed(request))} if error.status_code == 405 else error.headers
    code, sentence = _REFUSED.get(error.status_code, ("request.refused", HTTPStatus(error.status_code).phrase))
    status = 422 if error.status_code == 400 else error.status_code
    return problem(Fault(code, Kind.INVALID, sentence), status=status, headers=headers)


def _allowed(request: Request) -> list[str]:
    """Every method that this address answers to; Starlette itself names those of the first route only."""
    routes, scope = request.app.router.routes, request.scope
    return [
        method
        for method in sorted(_METHODS)
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)
    ]


def problem_of(error: Exception) -> Response:
    """Any error as an answer; a defect is logged with its traceback and told as `internal`."""
    fault = fault_of(error)
    if fault is None:
        log.error("a request failed by a defect", exc_info=error)
        fault = internal()
    return problem(fault)


def envelope(app: Starlette) -> None:
    """Puts `app` into the envelope and makes HTTP's own refusals problems."""
    app.add_exception_handler(HTTPException, http_refusal)
    app.add_middleware(Envelope)


class Envelope:
    """Around every request: a span, metrics, a log line without personal data, a size limit, and the last resort for errors."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else "other"
        parent = extract({k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"] if k == b"traceparent"})
        began, answer = time.perf_counter(), _Answer(send)
        with span(f"answer {method}", kind="server", attributes={"http.request.method": method}, parent=parent) as here:
            await self._within(scope, receive, answer)
            route = getattr(scope.get("route"), "path", "unmatched")
            here.update_name(f"answer {method} {route}")
            here.set_attribute("http.route", route)
            here.set_attribute("http.response.status_code", answer.status)
            seconds = time.perf_counter() - began
            log.info("answered", method=method, route=route, status=answer.status, ms=round(seconds * 1000, 1))
        ANSWERED.labels(method, route, str(answer.status)).inc()
        ANSWER_SECONDS.labels(method, route).observe(seconds)

    async def _within(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        try:
            declared = next((int(v) for k, v in scope["headers"] if k == b"content-length"), 0)
            if declared > LARGEST_BODY:
                raise HTTPException(413)
            await self._app(scope, _limited(receive), answer)
        except Exception as error:
            if answer.started:
                raise
            response = (
                await http_refusal(Request(scope), error) if isinstance(error, HTTPException) else problem_of(error)
            )
            await response(scope, receive, answer)


class _Answer:
    """The way out: remembers the status and adds the headers every answer has, unless the answer sets them itself."""

    def __init__(self, send: Send) -> None:
        self._send, self.status, self.started = send, 0, False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.started = message["status"], True
            present = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(pair for pair in _HEADERS.items() if pair[0] not in present)]
        await self._send(message)


def _limited(receive: Receive) -> Receive:
    """`receive`, ended with 413 when the body grows over the limit."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > LARGEST_BODY:
            raise HTTPException(413)
        return message

    return limited


async def body_of(request: Request) -> bytes:
    """The whole body, within the size limit and `BODY_TIMEOUT_S`; a slower sender gets 408."""
    try:
        return await asyncio.wait_for(request.body(), BODY_TIMEOUT_S)
    except TimeoutError:
        raise HTTPException(408) from None


class Rates:
    """Token buckets by key: `per_second` on average, `burst` at once. Remembers the last `keys` keys."""

    def __init__(
        self, per_second: float, burst: float, *, keys: int = 10_000, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._keys, self._now = per_second, burst, keys, now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> None:
        """Takes one. Raises Fault `request.too_many` that says when there will be one again."""
        now = self._now()
        left, at = self._buckets.pop(key, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._rate)
        self._buckets[key] = (left - 1 if left >= 1 else left, now)
        if len(self._buckets) > self._keys:
            self._buckets.popitem(last=False)
        if left < 1:
            wait = max(1, round((1 - left) / self._rate))
            raise Fault(
                "request.too_many",
                Kind.RATE_LIMITED,
                "Too many requests; wait and try again.",
                {"retry_after_s": str(wait)},
            )


def health_page(path: str, checks: health.Checks) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for /livez, /readyz or /metrics; checks may block, so they run in a thread."""

    async def page(_: Request) -> Response:
        status, content_type, body = await run_in_threadpool(health.respond, path, checks)
        return Response(body, status, media_type=content_type)

    return page


class _HealthHandler(BaseHTTPRequestHandler):
    """The same three pages without TLS, for probes and Prometheus, as every bus process has them."""

    checks: ClassVar[health.Checks]
    timeout = 5

    def do_GET(self) -> None:
        status, content_type, body = health.respond(self.path, self.checks)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Probes are not worth a line."""


def _health_server(address: str, checks: health.Checks) -> ThreadingHTTPServer:
    host, _, port = address.rpartition(":")
    handler = type("Handler", (_HealthHandler,), {"checks": checks})
    server = ThreadingHTTPServer((host.strip("[]"), int(port)), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


def serve(
    app: ASGIApp,
    *,
    address: str,
    certificate: Path,
    key: Path,
    health_address: str = "",
    checks: health.Checks | None = None,
) -> None:
    """Serves `app` over HTTPS at host:port until SIGTERM, then lets running requests end.

    `health_address`: host:port of the health pages without TLS, if they are wanted.
    """
    health_server = _health_server(health_address, checks or {}) if health_address else None
    host, _, port = address.rpartition(":")
    for sign in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises what it caught once more after a clean stop; without this the process would end by it, unflushed.
        signal.signal(sign, lambda *_: None)
    try:
        uvicorn.run(
            app,
            host=host.strip("[]"),
            port=int(port),
            ssl_certfile=str(certificate),
            ssl_keyfile=str(key),
            http="httptools",
            loop="asyncio",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=10,
            backlog=512,
        )
    finally:
        if health_server is not None:
            health_server.shutdown()
            health_server.server_close()
