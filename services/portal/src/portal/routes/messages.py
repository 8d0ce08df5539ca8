"""Messages to a person: what happened to their cases and tickets."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.desk import Desk, citizen
from portal.pages import page
from portal.routes.at import at

PAGE = 20


async def mine(request: Request) -> Response:
    desk, session = Desk.of(request), citizen(request)
    cursor = request.query_params.get("cursor", "")
    found = await desk.gateway.get(session.tokens.access, "/v1/messages", size=PAGE, cursor=cursor)
    return page(request, "messages.html", messages=found["items"], next=found["next"])


async def read(request: Request) -> Response:
    desk, session = Desk.of(request), citizen(request)
    async with desk.forms.read(request):
        await desk.gateway.post(session.tokens.access, f"/v1/messages/{request.path_params['id']}/read")
    return RedirectResponse("/messages", 303)


ROUTES = (at("/messages", mine), at("/messages/{id}/read", read, "POST"))
