"""Who has the page open."""

from __future__ import annotations

from starlette.requests import Request

from identity.domain.model import Account, Session
from identity.http.forms import session_cookie
from identity.http.parts import Parts
from identity.usecases.find_session import find_session


async def signed_in(request: Request) -> tuple[Session, Account]:
    """The open session behind the request's cookie, and its account. Raises NotSignedIn."""
    parts = Parts.of(request)
    cookie, now = session_cookie(request), parts.now()
    return await parts.within(lambda work: find_session(work, cookie, now=now, silence=parts.silence))
