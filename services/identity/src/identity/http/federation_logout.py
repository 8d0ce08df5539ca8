"""POST /federation/backchannel-logout: a peer says that somebody signed out (OpenID Connect Back-Channel Logout 1.0 section 2.5).

Two peers say so: the home of a person who is signed in here, and a district where a person of ours was signed in and signed out.
"""

from __future__ import annotations

from chassis.logs import get_logger
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from identity.adapters.home_tokens import claimed_issuer, verified
from identity.domain.errors import HomeAnswerRefused, LogoutRefused, NotAPeer
from identity.domain.federation import read_logout
from identity.http.forms import read_form
from identity.http.parts import Parts
from identity.usecases.end_foreign_session import hear_of_logout

log = get_logger(__name__)

_NOT_KEPT = {"Cache-Control": "no-store"}


async def federation_logout(request: Request) -> Response:
    """200 once it is done, also where it was done before; 400 for a token that proves nothing; 503 where a peer's keys cannot be read."""
    parts = Parts.of(request)
    fields = await read_form(request)
    token = fields.get("logout_token", "")
    try:
        peer = await parts.peer_of(claimed_issuer(token))
        header, claims, _ = await verified(token, peer, parts.homes)
        here, now = parts.settings.district, parts.now()
        notice = read_logout(header, claims, issuer=peer.issuer, client_id=here, now=now)
    except (HomeAnswerRefused, LogoutRefused, NotAPeer) as error:
        log.warning("a logout token was refused", code=error.code, claim=error.details.get("claim", ""))
        told = {
            "error": "invalid_request",
            "error_description": "The logout token is not acceptable.",
            "code": LogoutRefused.code,
        }
        return JSONResponse(told, 400, headers=_NOT_KEPT)
    ended = await parts.within(lambda work: hear_of_logout(work, peer.code, notice, now=now))
    log.info("a peer says that a session is over", peer=peer.code, ended=ended)
    return Response(status_code=200, headers=_NOT_KEPT)
