"""POST /token: tokens for an authorization code, for a refresh token, for a client's key (RFC 7523), or for whoever is signed in here.

There is no password grant.
"""

from __future__ import annotations

from chassis.errors import Fault, Kind
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from identity.adapters.storage import Storage
from identity.adapters.token_keys import Holder, seconds_of
from identity.domain.errors import ClientRefused, FormExpired
from identity.domain.federation import home_of
from identity.domain.parties import RelyingParty, Scope
from identity.http.clients import know_peer, proven_client
from identity.http.forms import HEADER, read_form, session_cookie
from identity.http.oauth import CODE_GRANT, REFRESH_GRANT, Answer, FormRequest
from identity.http.oauth_errors import NOT_KEPT, answered, refused
from identity.http.parts import Parts
from identity.http.provider import Provider
from identity.usecases.find_session import find_session

SESSION_GRANT = "urn:tongban:session"
CLIENT_GRANT = "client_credentials"
GRANTS = (CODE_GRANT, REFRESH_GRANT, CLIENT_GRANT, SESSION_GRANT)
#: What a token from a session names as its client, and may do.
SESSION_CLIENT, SESSION_SCOPE = "tongban-session", f"{Scope.OPENID} {Scope.PROFILE} {Scope.API}"


async def token(request: Request) -> Response:
    """200 with the token, or OAuth's error."""
    try:
        fields = await read_form(request)
        await know_peer(Parts.of(request), fields)
        match fields.get("grant_type"):
            case "authorization_code" | "refresh_token":
                return answered(await _provided(request, fields))
            case "client_credentials":
                holder = await _client(request, fields)
            case "urn:tongban:session":
                holder = await _signed_in(request)
            case _:
                raise Fault("identity.unknown_grant", Kind.INVALID, f"grant_type must be one of {', '.join(GRANTS)}.")
    except Exception as error:
        return refused(error)
    parts = Parts.of(request)
    now = parts.now()
    made, expires_in = parts.signer.access_token(holder, now), seconds_of(holder, now)
    body = {"access_token": made, "token_type": "Bearer", "expires_in": expires_in, "scope": holder.scope}
    return JSONResponse(body, headers=NOT_KEPT)


async def _provided(request: Request, fields: dict[str, str]) -> Answer:
    parts = Parts.of(request)
    asked = FormRequest("POST", f"{parts.settings.issuer}/token", fields)

    def provide(work: Storage) -> Answer:
        made: Answer = Provider(parts, work).create_token_response(asked)
        return made

    return await parts.within(provide)


async def _client(request: Request, fields: dict[str, str]) -> Holder:
    """Raises ClientRefused; a relying party acts for people, and has no token of its own."""
    parts = Parts.of(request)
    client = await parts.within(lambda work: proven_client(parts, work, fields))
    if isinstance(client, RelyingParty):
        raise ClientRefused
    return Holder(client.client_id, client.client_id, [role.value for role in client.roles], Scope.API)


async def _signed_in(request: Request) -> Holder:
    """Raises FormExpired where another site may have sent the request, NotSignedIn."""
    parts = Parts.of(request)
    if request.headers.get(HEADER) != "1":
        raise FormExpired
    parts.forms.check(request, {})
    cookie, now = session_cookie(request), parts.now()

    def find(work: Storage) -> Holder:
        session, account = find_session(work, cookie, now=now, silence=parts.silence)
        return Holder(
            subject=account.subject,
            client_id=SESSION_CLIENT,
            roles=[role.value for role in account.roles],
            scope=SESSION_SCOPE,
            acr=account.acr.value,
            signed_in_at=session.signed_in_at,
            sid=session.sid,
            acting_for=session.acting_for,
            home=home_of(account.subject),
            until=parts.until(work, session.sid),
        )

    return await parts.within(find)
