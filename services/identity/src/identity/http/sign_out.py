"""POST /sign-out: the session ends, and every relying party of it is told."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from identity.http.forms import HEADER, drop_session, read_form, session_cookie
from identity.http.parts import Parts
from identity.usecases.end_session import end_session


async def sign_out(request: Request) -> Response:
    """303 to the form, signed in before or not. Raises FormExpired."""
    parts = Parts.of(request)
    fields = {} if request.headers.get(HEADER) == "1" else await read_form(request)
    parts.forms.check(request, fields)
    cookie, now = session_cookie(request), parts.now()
    if cookie:
        await parts.within(lambda work: end_session(work, cookie, now=now))
    response = RedirectResponse("/sign-in", 303)
    drop_session(response)
    return response
