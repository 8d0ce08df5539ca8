"""What a page with a form says when it refuses: the form again with its reason in both languages, or a problem for a program."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from chassis.edge import RETRY_AFTER_S, STATUS, problem
from chassis.errors import Fault, Kind, fault_of
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from identity.domain import errors
from identity.http.form_page import wants_html
from identity.http.pending import FIELD, sign_in_address

#: code → the sentence in Chinese; the English one is the error's own.
_CHINESE = {
    errors.FormExpired.code: "页面已失效，请重新填写。",
    errors.ProofRefused.code: "未能核实。请检查所填内容；如您在本区另有账户，请使用该账户；也可携带证件到窗口办理。",
    errors.ProofingAway.code: "目前无法核验身份，未作任何更改，请几分钟后再试。",
    errors.ProofingNotOffered.code: "本区仅在窗口核验身份，请携带证件到窗口办理。",
    errors.NotProven.code: "此项须先通过证件核验身份（L4）。",
    errors.KnownElsewhere.code: "您的账户属于其他地区。请在所属地区办理，或使用本区账户。",
    errors.NotRepresentative.code: "仅法定代表人可以办理此项。",
    errors.NoMandate.code: "您不能或不再能代表该单位，请重新选择为谁办理。",
    errors.MandateNotFound.code: "该单位没有这项授权。",
    "identity.too_many_attempts": "尝试过于频繁，请稍后再试。",
}
_OTHERWISE = "现在无法办理，请稍后再试。"

#: What a form page may refuse with.
_Refused = (Fault, errors.IdentityError)
#: A sentence in Chinese (zh) and English (en).
Told = dict[str, str]
#: Draws the form again: status, what to say, the name of the wrong field.
Draw = Callable[[int, Told | None, str], Awaitable[Response]]


async def shown(request: Request, draw: Draw) -> Response:
    """The page, or the way to sign in."""
    try:
        return await draw(200, None, "")
    except _Refused as error:
        return await _refusal(request, error, draw)


async def done(request: Request, act: Callable[[], Awaitable[None]], draw: Draw, then: str) -> Response:
    """303 to `then` once `act` is done; whoever is not signed in is sent to sign in; else the form, or the problem."""
    try:
        await act()
    except _Refused as error:
        return await _refusal(request, error, draw)
    return RedirectResponse(then, 303)


async def _refusal(request: Request, error: Exception, draw: Draw) -> Response:
    fault = fault_of(error)
    assert fault is not None
    if not wants_html(request):
        return problem(fault)
    if isinstance(error, errors.NotSignedIn):
        sealed = request.query_params.get(FIELD, "")
        return RedirectResponse(sign_in_address(sealed) if sealed else "/sign-in", 303)
    if isinstance(error, errors.InvalidField | errors.WeakPassword):
        return await draw(STATUS[fault.kind], {"zh": error.zh, "en": fault.message}, error.details["field"])
    told = {"zh": _CHINESE.get(fault.code, _OTHERWISE), "en": fault.message}
    page = await draw(STATUS[fault.kind], told, "")
    if fault.kind in (Kind.RATE_LIMITED, Kind.UNAVAILABLE):
        page.headers["Retry-After"] = str(RETRY_AFTER_S)
    return page
