"""A person's own cases: the list, how one is getting on in both districts, and taking it back."""

from __future__ import annotations

import asyncio
from typing import Any

from chassis.errors import Fault, Kind
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.cookies import language
from portal.desk import Desk, citizen
from portal.forms import text_of
from portal.pages import page
from portal.routes.at import at
from portal.routes.materials import names_of
from portal.words import STEPS, told

PAGE = 20
_OVER = ("closed", "withdrawn")
_DECIDED = ("granted", "refused", "produced", "delivered", *_OVER)


async def mine(request: Request) -> Response:
    desk, session = Desk.of(request), citizen(request)
    cursor = request.query_params.get("cursor", "")
    found = await desk.gateway.get(session.tokens.access, "/v1/cases", size=PAGE, cursor=cursor)
    return page(request, "cases.html", cases=found["items"], next=found["next"])


async def progress(request: Request) -> Response:
    citizen(request)
    sent, asked = "sent" in request.query_params, "asked" in request.query_params
    return await _progress(request, sent=sent, asked=asked)


async def ask_withdrawal(request: Request) -> Response:
    """Says what taking a case back means, before it is done."""
    citizen(request)
    case = await case_of(request)
    key = str(Desk.of(request).new_id())
    return page(request, "withdraw.html", case=case, key=key, may_withdraw=case["state"] not in _DECIDED)


async def withdraw(request: Request) -> Response:
    desk, session = Desk.of(request), citizen(request)
    number = request.path_params["number"]
    async with desk.forms.read(request) as sent:
        key = text_of(sent, "key")
    try:
        await desk.gateway.post(session.tokens.access, f"/v1/cases/{number}/withdraw", key=key)
    except Fault as fault:
        if fault.kind is not Kind.CONFLICT:
            raise
        return await _progress(request, problem=fault)
    return RedirectResponse(f"/cases/{number}?asked=1", 303)


async def _progress(
    request: Request, *, sent: bool = False, asked: bool = False, problem: Fault | None = None
) -> Response:
    case, timeline = await case_and_timeline(request)
    return page(
        request,
        "case.html",
        409 if problem else 200,
        case=case,
        timeline=timeline,
        names=await names_of(request, case),
        steps=steps_of(case["state"]),
        sent=sent,
        asked=asked,
        may_withdraw=case["state"] not in _DECIDED,
        problem=told(problem, language(request)) if problem else "",
        code=problem.code if problem else "",
    )


async def case_of(request: Request) -> dict[str, Any]:
    """The case that the address names."""
    session = request.state.session
    return await Desk.of(request).gateway.get(session.tokens.access, f"/v1/cases/{request.path_params['number']}")


async def case_and_timeline(request: Request) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The case that the address names, and what both districts did to it."""
    path = f"/v1/cases/{request.path_params['number']}/timeline"
    asking = Desk.of(request).gateway.get(request.state.session.tokens.access, path)
    case, timeline = await asyncio.gather(case_of(request), asking)
    return case, timeline["items"]


def steps_of(state: str) -> list[tuple[str, str]]:
    """Each step and how far it is: "done", "now" or "next"; a case that was taken back has none left."""
    at = next((n for n, (_, states) in enumerate(STEPS) if state in states), -1)
    last = len(STEPS) - 1
    return [
        (name, "done" if n < at or (n == at == last and state == "closed") else "now" if n == at else "next")
        for n, (name, _) in enumerate(STEPS)
    ]


ROUTES = (
    at("/cases", mine),
    at("/cases/{number}", progress),
    at("/cases/{number}/withdraw", ask_withdrawal),
    at("/cases/{number}/withdraw", withdraw, "POST"),
)
