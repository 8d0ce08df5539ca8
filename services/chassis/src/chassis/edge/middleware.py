"""Around every request: a span, metrics, a log line without personal data, a size limit, and the last resort for errors."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.edge.bodies import NOWHERE, Large, declared, largest, limited
from chassis.edge.problems import METHODS, http_refusal, problem_of
from chassis.logs import get_logger
from chassis.telemetry import counter, extract, histogram, span

log = get_logger(__name__)

_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"strict-transport-security": b"max-age=31536000",
    b"referrer-policy": b"same-origin",  # with no-referrer a browser tells a form's own origin as "null"
    b"cache-control": b"no-store",
}

ANSWERED = counter("tongban_http_answered_total", "HTTP requests answered.", "method", "route", "status")
ANSWER_SECONDS = histogram(
    "tongban_http_answer_seconds", "From a request's head to the end of its answer.", "method", "route"
)


#: An error as an answer, whatever it is.
Refusal = Callable[[Request, Exception], Awaitable[Response]]


async def problem_refusal(request: Request, error: Exception) -> Response:
    """Any error as a problem, which is what a program understands."""
    return await http_refusal(request, error) if isinstance(error, HTTPException) else problem_of(error)


def envelope(app: Starlette, refusal: Refusal = problem_refusal, large: Large = NOWHERE) -> None:
    """Puts `app` into the envelope and answers errors, HTTP's own among them, by `refusal`; `large`: where files are handed in."""
    app.add_exception_handler(HTTPException, refusal)
    app.add_middleware(Envelope, refusal=refusal, large=large)


class Envelope:
    """Around every request: a span, metrics, a log line without personal data, a size limit, and the last resort for errors."""

    def __init__(self, app: ASGIApp, refusal: Refusal = problem_refusal, large: Large = NOWHERE) -> None:
        self._app, self._refusal, self._large = app, refusal, large

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "other"
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
            if declared(scope) > (most := largest(scope, self._large)):
                raise HTTPException(413)
            await self._app(scope, limited(receive, most), answer)
        except Exception as error:
            if answer.started:
                raise
            response = await self._refusal(Request(scope), error)
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
