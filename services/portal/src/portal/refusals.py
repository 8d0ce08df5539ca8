"""Errors as pages: a sentence that says what to do, and the code for whoever helps."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlencode

from chassis.edge import RETRY_AFTER_S, STATUS, fault_for, http_fault
from chassis.errors import Fault, Kind
from chassis.telemetry import current_trace_id
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.cookies import drop_session, language
from portal.desk import Desk
from portal.errors import no_such_page
from portal.pages import local_address, page
from portal.words import told


async def refusal(request: Request, error: Exception) -> Response:
    """Any error as a page. Who has to sign in first is led there, if what was asked for can be asked for again."""
    if isinstance(error, HTTPException):
        fault, status = (no_such_page() if error.status_code == 404 else http_fault(error)), error.status_code
    else:
        fault = fault_for(error)
        status = int(STATUS[fault.kind])
    if fault.code == "portal.not_signed_in" and request.method == "GET":
        return RedirectResponse(f"/sign-in?{urlencode({'to': local_address(request)})}", 303)
    over = fault.kind is Kind.UNAUTHENTICATED and fault.code.startswith("token.")
    if over:
        await _end(request)
    response = error_page(request, fault, status)
    if over:
        drop_session(response)
    return response


def error_page(request: Request, fault: Fault, status: int) -> Response:
    response = page(
        request,
        "error.html",
        status,
        fault=fault,
        sentence=told(fault, language(request)),
        found=status,
        trace_id=current_trace_id(),
        may_sign_in=fault.kind in (Kind.UNAUTHENTICATED, Kind.FORBIDDEN) or fault.code == "portal.sign_in_failed",
    )
    if status in (429, 503):
        response.headers["Retry-After"] = fault.details.get("retry_after_s", str(RETRY_AFTER_S))
    return response


async def _end(request: Request) -> None:
    """The gateway does not take this person's token: the session is worth nothing more."""
    session = getattr(request.state, "session", None)
    if session is not None:
        request.state.session = None
        with suppress(Fault):  # the cookie goes all the same, and the row with its time
            await Desk.of(request).within(lambda storage: storage.end(session.key))
