"""POST /token: a short-lived access token for a client's key (RFC 7523), or for whoever is signed in here.

There is no password grant. Errors are OAuth's own (RFC 6749 section 5.2), with our `code` and the trace id beside them; what
OAuth has no word for at this endpoint (something is away, the body is no form) borrows one and keeps HTTP's status.
"""

from __future__ import annotations

from chassis.edge import RETRY_AFTER_S, STATUS, http_fault
from chassis.errors import Fault, Kind, fault_of, internal
from chassis.logs import get_logger
from chassis.telemetry import current_trace_id
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from identity.adapters.storage import Storage
from identity.adapters.token_keys import TOKEN_LIFETIME, Holder, claimed_client, verify_assertion
from identity.domain.errors import ClientRefused, FormExpired, NotSignedIn
from identity.domain.model import Client
from identity.http.forms import HEADER, read_form, session_cookie
from identity.http.parts import Parts
from identity.usecases.accept_assertion import accept_assertion
from identity.usecases.find_session import find_session

log = get_logger(__name__)

SESSION_GRANT = "urn:tongban:session"
CLIENT_GRANT = "client_credentials"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: What a token from a session names as its client.
SESSION_CLIENT = "tongban-session"

_ERRORS = {
    ClientRefused.code: "invalid_client",
    NotSignedIn.code: "invalid_grant",
    FormExpired.code: "invalid_request",
    "identity.unknown_grant": "unsupported_grant_type",
}
#: OAuth has these words for the authorization endpoint only (section 4.1.2.1).
_AWAY = {
    Kind.UNAVAILABLE: "temporarily_unavailable",
    Kind.DEADLINE: "temporarily_unavailable",
    Kind.RATE_LIMITED: "temporarily_unavailable",
    Kind.INTERNAL: "server_error",
}
_NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}


async def token(request: Request) -> Response:
    """200 with the token, or OAuth's error."""
    try:
        holder = await _holder(request)
    except Exception as error:
        return _refused(error)
    parts = Parts.of(request)
    made = parts.signer.access_token(holder, parts.now())
    body = {"access_token": made, "token_type": "Bearer", "expires_in": int(TOKEN_LIFETIME.total_seconds())}
    return JSONResponse(body, headers=_NOT_KEPT)


def _refused(error: Exception) -> Response:
    headers = dict(_NOT_KEPT)
    if isinstance(error, HTTPException):
        fault, status, name = http_fault(error), error.status_code, "invalid_request"
        headers.update(error.headers or {})
    else:
        fault = fault_of(error) or internal()
        if fault.kind is Kind.INTERNAL:
            log.error("a token could not be made by a defect", exc_info=error)
        name = _ERRORS.get(fault.code) or _AWAY.get(fault.kind, "invalid_request")
        status = 401 if name == "invalid_client" else int(STATUS[fault.kind]) if fault.kind in _AWAY else 400
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="tongban"'  # RFC 9110 section 15.5.2 wants one
    if status in (429, 503):
        headers["Retry-After"] = fault.details.get("retry_after_s", str(RETRY_AFTER_S))
    # What `error_description` may hold: section 5.2, appendix A.8.
    told = "".join(c for c in fault.message if " " <= c <= "~" and c not in '"\\')
    body = {"error": name, "error_description": told, "code": fault.code, "trace_id": current_trace_id()}
    return JSONResponse(body, status, headers)


async def _holder(request: Request) -> Holder:
    fields = await read_form(request)
    match fields.get("grant_type"):
        case "client_credentials":
            return await _client(Parts.of(request), fields)
        case "urn:tongban:session":
            return await _signed_in(request)
    raise Fault("identity.unknown_grant", Kind.INVALID, f"grant_type must be {CLIENT_GRANT} or {SESSION_GRANT}.")


async def _client(parts: Parts, fields: dict[str, str]) -> Holder:
    """Raises ClientRefused."""
    assertion = fields.get("client_assertion", "")
    if fields.get("client_assertion_type") != ASSERTION_TYPE or not 0 < len(assertion) <= 8192:
        raise ClientRefused
    client_id = claimed_client(assertion)
    if "\x00" in client_id or fields.get("client_id", client_id) != client_id:
        raise ClientRefused
    issuer = parts.settings.issuer
    kept: Client | None = await parts.within(lambda work: work.clients.get(client_id))
    jti, expires = verify_assertion(assertion, kept, audiences=(issuer, f"{issuer}/token"), now=parts.now())
    client = await parts.within(lambda work: accept_assertion(work, client_id, jti, expires))
    return Holder(client.client_id, client.client_id, [role.value for role in client.roles])


async def _signed_in(request: Request) -> Holder:
    """Raises FormExpired where another site may have sent the request, NotSignedIn."""
    parts = Parts.of(request)
    if request.headers.get(HEADER) != "1":
        raise FormExpired
    parts.forms.check(request, {})
    cookie, now = session_cookie(request), parts.now()

    def find(work: Storage) -> Holder:
        session, account = find_session(work, cookie, now=now)
        roles = [role.value for role in account.roles]
        return Holder(account.subject, SESSION_CLIENT, roles, account.acr.value, session.signed_in_at)

    return await parts.within(find)
