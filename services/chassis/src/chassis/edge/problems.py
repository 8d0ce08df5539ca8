"""Faults, and what HTTP itself refuses, as problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from chassis.errors import Fault, Kind, fault_of, internal
from chassis.logs import get_logger
from chassis.telemetry import current_trace_id

log = get_logger(__name__)

PROBLEM = "application/problem+json"
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
    413: (
        "request.too_large",
        "The body is larger than 1 MiB, or than 5 MiB where files are handed in; send less, or smaller scans.",
    ),
    415: ("request.unsupported_media_type", "Send this body with another content type; see /openapi.json."),
}

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


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
    status = 422 if error.status_code == 400 else error.status_code
    return problem(http_fault(error), status=status, headers=headers)


def http_fault(error: HTTPException) -> Fault:
    """What HTTP itself refuses, as a fault of ours."""
    code, sentence = _REFUSED.get(error.status_code, ("request.refused", HTTPStatus(error.status_code).phrase))
    return Fault(code, Kind.INVALID, sentence)


def _allowed(request: Request) -> list[str]:
    """Every method that this address answers to; Starlette itself names those of the first route only."""
    routes, scope = request.app.router.routes, request.scope
    return [
        method
        for method in sorted(METHODS)
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)
    ]


def problem_of(error: Exception) -> Response:
    """Any error as an answer."""
    return problem(fault_for(error))


def fault_for(error: Exception) -> Fault:
    """Any error as a fault; a defect is logged with its traceback and told as `internal`."""
    fault = fault_of(error)
    if fault is None:
        log.error("a request failed by a defect", exc_info=error)
        fault = internal()
    return fault
