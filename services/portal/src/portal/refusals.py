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


#: Refusals that another account, or another choice of for whom one acts, would change.
_OTHER_ACCOUNT = (
    "portal.sign_in_failed",
    "portal.role_missing",
    "request.role_missing",
    "request.own_people_only",
    "case_routing.not_yours",
)
_OTHER_PARTY = ("identity.no_mandate", "case_routing.outside_mandate", "case_routing.not_yours")


def _page_of(request: Request) -> str:
    """The page to come back to: what was asked for, or the page with the form that was sent."""
    path = request.url.path
    if path == "/signed-in":
        return "/"
    if request.method == "GET":
        return local_address(request)
    return path.rpartition("/")[0] if path.startswith(("/work/", "/messages/", "/account/")) else path


def error_page(request: Request, fault: Fault, status: int) -> Response:
    response = page(
        request,
        "error.html",
        status,
        fault=fault,
        sentence=told(fault, language(request)),
        found=status,
        trace_id=current_trace_id(),
        may_sign_in=fault.kind is Kind.UNAUTHENTICATED or fault.code in _OTHER_ACCOUNT,
        back=_page_of(request),
        sent=request.method == "POST",
        acr=fault.details.get("acr", "") if fault.code == "request.acr_too_low" else "",
        choose=fault.code in _OTHER_PARTY,
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
