"""A refusal where the browser is: a page for a person, a problem for a program."""

from __future__ import annotations

from chassis.edge import RETRY_AFTER_S, STATUS, problem
from chassis.errors import Fault, Kind, fault_of
from chassis.telemetry import current_trace_id
from starlette.requests import Request
from starlette.responses import Response

from identity.domain.errors import FormExpired, RequestRefused
from identity.http.pages import page
from identity.http.parts import Parts

_SENTENCES = {
    RequestRefused.code: {
        "zh": "您来自的网站未在本区登记，或者它的请求不被接受。请回到该网站重试；如仍不行，请告知该网站。",
        "en": "The site you came from is not registered with this district, or asked in a way that is not accepted. Go back"
        " to it and try again; if it stays, tell that site.",
    },
    FormExpired.code: {"zh": "页面已失效，请返回重试。", "en": "The page was too old; go back and try again."},
}
_OTHERWISE = {"zh": "暂时无法处理，请稍后再试。", "en": "This is not possible now; try again shortly."}


def refusal_page(request: Request, error: Exception) -> Response:
    """The error as a page, Chinese first, where the browser takes one."""
    fault = fault_of(error)
    assert fault is not None
    if "text/html" not in request.headers.get("accept", ""):
        return problem(fault)
    shown = page(
        "refusal.html",
        _status(fault),
        district=Parts.of(request).settings.district,
        sentence=_SENTENCES.get(fault.code, _OTHERWISE),
        code=fault.code,
        trace_id=current_trace_id(),
    )
    if fault.kind in (Kind.RATE_LIMITED, Kind.UNAVAILABLE):
        shown.headers["Retry-After"] = str(RETRY_AFTER_S)
    return shown


def _status(fault: Fault) -> int:
    return 400 if fault.kind is Kind.INVALID else int(STATUS[fault.kind])
