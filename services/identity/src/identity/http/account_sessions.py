"""GET /account/sessions, POST /account/sessions/{sid}/end: where somebody is signed in, and ending one of them.

For parties of the district itself, which know people by their own subject: nobody else needs to see what a person visits.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from identity.adapters.storage import Storage
from identity.domain.errors import TokenRefused
from identity.http.bearer import Bearer, bearer_refusal, believed_bearer, token_of
from identity.http.parts import Parts
from identity.usecases.end_session import end_own_session
from identity.usecases.list_sessions import list_sessions


async def listed(request: Request) -> Response:
    """200 with `sessions`, the newest first: sid, signed_in_at and expires_at (RFC 3339), current, parties."""
    parts = Parts.of(request)

    def find(work: Storage) -> list[dict[str, Any]]:
        bearer = _own(parts, work, request)
        found = list_sessions(work, bearer.account.subject, now=parts.now())
        return [
            {
                "sid": session.sid,
                "signed_in_at": session.signed_in_at.isoformat(),
                "expires_at": session.expires_at.isoformat(),
                "current": session.sid == bearer.session.sid,
                "parties": [_party(parts, work, client_id) for client_id in clients],
            }
            for session, clients in found
        ]

    try:
        return JSONResponse({"sessions": await parts.within(find)})
    except Exception as error:
        return bearer_refusal(request, error)


async def ended(request: Request) -> Response:
    """204; every relying party of that session is told. 404 where it is no open one of theirs."""
    parts, sid = Parts.of(request), request.path_params["sid"]

    def end(work: Storage) -> None:
        end_own_session(work, _own(parts, work, request).account.subject, sid, now=parts.now())

    try:
        await parts.within(end)
    except Exception as error:
        return bearer_refusal(request, error)
    return Response(status_code=204)


def _own(parts: Parts, work: Storage, request: Request) -> Bearer:
    bearer = believed_bearer(parts, work, token_of(request))
    if bearer.claims["sub"] != bearer.account.subject:
        raise TokenRefused
    return bearer


def _party(parts: Parts, work: Storage, client_id: str) -> dict[str, Any]:
    """One that is registered no more has its id alone for a name."""
    party = parts.party(work, client_id)
    return {"client_id": client_id, "name": dict(party.name) if party else {"zh": client_id, "en": client_id}}
