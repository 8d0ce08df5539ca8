"""A refusal where the browser is: a page for a person, a problem for a program."""

from __future__ import annotations

from chassis.edge import RETRY_AFTER_S, STATUS, problem
from chassis.errors import Fault, Kind, fault_of
from chassis.telemetry import current_trace_id
from starlette.requests import Request
from starlette.responses import Response

from identity.domain.errors import (
    FormExpired,
    HomeAnswerRefused,
    HomeAway,
    NotAPeer,
    RegistryExpired,
    RequestRefused,
    SwitchExpired,
)
from identity.domain.registry import Named
from identity.http.pages import page
from identity.http.parts import Parts

_SENTENCES = {
    RequestRefused.code: {
        "zh": "您来自的网站未在本区登记，或者它的请求不被接受。请回到该网站重试；如仍不行，请告知该网站。",
        "en": "The site you came from is not registered with this district, or asked in a way that is not accepted. Go back"
        " to it and try again; if it stays, tell that site.",
    },
    FormExpired.code: {"zh": "页面已失效，请返回重试。", "en": "The page was too old; go back and try again."},
    SwitchExpired.code: {
        "zh": "本次登录不是由此浏览器发起，或已超时、已使用。请回到原页面重新开始。",
        "en": "This sign-in was not begun in this browser, took too long, or was used already. Go back to the page you came"
        " from and begin again.",
    },
    HomeAnswerRefused.code: {
        "zh": "{zh}的答复无法核实，未予登录。请告知该地区。",
        "en": "What {en} answered cannot be believed, so nobody was signed in. Please tell that district.",
    },
    NotAPeer.code: {
        "zh": "本区与{zh}未开通互认，请选择其他地区。",
        "en": "This district has no open link with {en}; choose another home district.",
    },
    RegistryExpired.code: {
        "zh": "地区名录已过期，暂只能使用本区账户登录。",
        "en": "The registry of districts has expired; for now sign in with an account of this district.",
    },
    HomeAway.code: {
        "zh": "{zh}暂时无法连接，请稍后再试。",
        "en": "{en} cannot be reached now; try again shortly.",
    },
}
#: Who is spoken of where nobody knows what the home is called.
_CHOSEN = Named("所选地区", "the home district chosen")
_OTHERWISE = {"zh": "暂时无法处理，请稍后再试。", "en": "This is not possible now; try again shortly."}


def refusal_page(request: Request, error: Exception, home: str = "") -> Response:
    """The error as a page, Chinese first, where the browser takes one; `home` is the district that was asked."""
    fault = fault_of(error)
    assert fault is not None
    if "text/html" not in request.headers.get("accept", ""):
        return problem(fault)
    parts = Parts.of(request)
    named = parts.peers.named(home)
    if named.zh == home:  # no member of the registry: what a stranger wrote into an address is not said again
        named = _CHOSEN
    sentence = _SENTENCES.get(fault.code, _OTHERWISE)
    shown = page(
        "refusal.html",
        _status(fault),
        district=parts.here,
        sentence={language: text.format(zh=named.zh, en=named.en) for language, text in sentence.items()},
        code=fault.code,
        trace_id=current_trace_id(),
    )
    if fault.kind in (Kind.RATE_LIMITED, Kind.UNAVAILABLE):
        shown.headers["Retry-After"] = str(RETRY_AFTER_S)
    return shown


def _status(fault: Fault) -> int:
    return 400 if fault.kind is Kind.INVALID else int(STATUS[fault.kind])
