"""A clerk's desk: what waits, one case, and what is done to it.

Every act says which version of the case it was decided on; where the case has changed since, nothing is done and the page
shows what it is now.
"""

from __future__ import annotations

from typing import Any

from chassis.errors import Fault, Kind
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.adapters.gateway import STALE
from portal.cookies import language
from portal.desk import Desk, clerk
from portal.errors import no_such_page
from portal.forms import text_of
from portal.pages import page
from portal.routes.at import at
from portal.routes.cases import case_and_timeline, steps_of
from portal.routes.materials import names_of
from portal.words import DONE, told

PAGE = 20
#: What is said with a decision.
_REASONED = ("grant", "refuse")
#: Shown on the case's page, beside what the case is now; everything else is a page of its own.
_HERE = (Kind.CONFLICT, Kind.INVALID)


async def worklist(request: Request) -> Response:
    desk, session = Desk.of(request), clerk(request)
    cursor = request.query_params.get("cursor", "")
    found = await desk.gateway.get(session.tokens.access, "/v1/worklist", size=PAGE, cursor=cursor)
    return page(request, "worklist.html", cases=found["items"], next=found["next"])


async def case(request: Request) -> Response:
    clerk(request)
    return await _case(request, done=DONE.get(request.query_params.get("done", ""), ""))


async def act(request: Request) -> Response:
    desk, session = Desk.of(request), clerk(request)
    number, name = request.path_params["number"], request.path_params["act"]
    if name not in DONE:
        raise no_such_page()
    async with desk.forms.read(request) as sent:
        key, version, reasons = (text_of(sent, field).strip() for field in ("key", "version", "reasons"))
    body: dict[str, Any] | None = {"reasons": reasons} if name in _REASONED else None
    try:
        if name == "refuse" and not reasons:
            raise Fault("case_routing.reasons_required", Kind.INVALID, "Write the reasons; the person is told them.")
        path = f"/v1/cases/{number}/{name}"
        await desk.gateway.post(session.tokens.access, path, body, key=key, version=version)
    except Fault as fault:
        if fault.kind not in _HERE:
            raise
        return await _case(request, problem=fault, reasons={name: reasons})
    return RedirectResponse(f"/work/{number}?done={name}", 303)


async def _case(
    request: Request, *, done: str = "", problem: Fault | None = None, reasons: dict[str, str] | None = None
) -> Response:
    found, timeline = await case_and_timeline(request)
    desk = Desk.of(request)
    held = found["responsibility"] or {}
    status = (412 if problem.code == STALE else 409 if problem.kind is Kind.CONFLICT else 422) if problem else 200
    return page(
        request,
        "work_case.html",
        status,
        case=found,
        timeline=timeline,
        names=await names_of(request, found),
        steps=steps_of(found["state"]),
        keys={name: str(desk.new_id()) for name in DONE},
        may_recall=held.get("state") == "offered" and held.get("holder") == desk.settings.district,
        done=done,
        reasons=reasons or {},
        problem=told(problem, language(request)) if problem else "",
        code=problem.code if problem else "",
    )


ROUTES = (
    at("/work", worklist),
    at("/work/{number}", case),
    at("/work/{number}/{act}", act, "POST"),
)
