"""POST /sign-out: the session ends."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from identity.domain.policies import session_key
from identity.http.forms import HEADER, drop_session, read_form, session_cookie
from identity.http.parts import Parts


async def sign_out(request: Request) -> Response:
    """303 to the form, signed in before or not. Raises FormExpired."""
    parts = Parts.of(request)
    fields = {} if request.headers.get(HEADER) == "1" else await read_form(request)
    parts.forms.check(request, fields)
    cookie, now = session_cookie(request), parts.now()
    if cookie:
        await parts.within(lambda work: work.sessions.end(session_key(cookie), now))
    response = RedirectResponse("/sign-in", 303)
    drop_session(response)
    return response
