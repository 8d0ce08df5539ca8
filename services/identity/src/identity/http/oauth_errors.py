"""Refusals as OAuth has them (RFC 6749 section 5.2), with our `code` and the trace id beside them.

What OAuth has no word for at these addresses (something is away, the body is no form) borrows one and keeps HTTP's status.
"""

from __future__ import annotations

from chassis.edge import RETRY_AFTER_S, STATUS, http_fault
from chassis.errors import Kind, fault_of, internal
from chassis.logs import get_logger
from chassis.telemetry import current_trace_id
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from identity.domain.errors import ClientRefused, FormExpired, NotSignedIn
from identity.http.oauth import Answer

log = get_logger(__name__)

_NAMES = {
    ClientRefused.code: "invalid_client",
    NotSignedIn.code: "invalid_grant",
    FormExpired.code: "invalid_request",
    "identity.unknown_grant": "unsupported_grant_type",
}
#: Of the errors that Authlib tells.
CODES = {
    "invalid_request": "identity.oauth_request_refused",
    "invalid_grant": "identity.grant_refused",
    "invalid_scope": "identity.scope_refused",
    "unauthorized_client": "identity.not_for_this_client",
    "unsupported_token_type": "identity.token_not_revocable",
}
#: OAuth has these words for the authorization endpoint only (section 4.1.2.1).
_AWAY = {
    Kind.UNAVAILABLE: "temporarily_unavailable",
    Kind.DEADLINE: "temporarily_unavailable",
    Kind.RATE_LIMITED: "temporarily_unavailable",
    Kind.INTERNAL: "server_error",
}
NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def answered(answer: Answer) -> Response:
    """What Authlib's server made of a request, as a response."""
    if answer.status < 400:
        return JSONResponse(answer.body, answer.status, NOT_KEPT)
    name = answer.body["error"]
    if name == "invalid_client":
        return refused(ClientRefused())
    return _error(name, CODES[name], answer.body.get("error_description", ""), 400, dict(NOT_KEPT))


def refused(error: Exception) -> Response:
    """Any other error; a defect is logged and told as `server_error`."""
    headers = dict(NOT_KEPT)
    if isinstance(error, HTTPException):
        headers.update(error.headers or {})
        fault = http_fault(error)
        return _error("invalid_request", fault.code, fault.message, error.status_code, headers)
    fault = fault_of(error) or internal()
    if fault.kind is Kind.INTERNAL:
        log.error("an OAuth request could not be answered by a defect", exc_info=error)
    name = _NAMES.get(fault.code) or _AWAY.get(fault.kind, "invalid_request")
    status = 401 if name == "invalid_client" else int(STATUS[fault.kind]) if fault.kind in _AWAY else 400
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="tongban"'  # RFC 9110 section 15.5.2 wants one
    if status in (429, 503):
        headers["Retry-After"] = fault.details.get("retry_after_s", str(RETRY_AFTER_S))
    return _error(name, fault.code, fault.message, status, headers)


def _error(name: str, code: str, sentence: str, status: int, headers: dict[str, str]) -> Response:
    # What `error_description` may hold: section 5.2, appendix A.8.
    told = "".join(c for c in sentence if " " <= c <= "~" and c not in '"\\')
    body = {"error": name, "error_description": told, "code": code, "trace_id": current_trace_id()}
    return JSONResponse(body, status, headers)
