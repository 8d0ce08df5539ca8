"""Where a person is signed in, which identity keeps; and ending one of those."""

from __future__ import annotations

import re

from chassis.errors import Fault, Kind
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.adapters.provider import Refused
from portal.desk import Desk, signed_in
from portal.errors import not_signed_in
from portal.pages import page
from portal.routes.at import at

_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


async def mine(request: Request) -> Response:
    desk, session = Desk.of(request), signed_in(request)
    try:
        found = await desk.provider.sessions(session.tokens.access)
    except Refused:
        raise not_signed_in() from None
    return page(request, "sessions.html", sessions=found, sid=session.sid, ended="ended" in request.query_params)


async def end(request: Request) -> Response:
    desk, session = Desk.of(request), signed_in(request)
    sid = request.path_params["id"]
    async with desk.forms.read(request):
        if not _ID.fullmatch(sid):
            raise _unknown()
        try:
            await desk.provider.end_session(session.tokens.access, sid)
        except Refused as refusal:
            raise (_unknown() if refusal.error == "unknown_session" else not_signed_in()) from None
    return RedirectResponse("/account/sessions?ended=1", 303)


def _unknown() -> Fault:
    return Fault("portal.unknown_session", Kind.NOT_FOUND, "This sign-in is over already.")


ROUTES = (at("/account/sessions", mine), at("/account/sessions/{id}/end", end, "POST"))
