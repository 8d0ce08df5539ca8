"""GET, POST /end-session: a relying party signs somebody out everywhere (OpenID Connect RP-Initiated Logout 1.0).

With an ID token of ours as a hint it is done at once, and the browser goes back where the party registered. Without one, or
with one of another session than the browser's, the person is asked: whoever is signed out by a stranger's link is annoyed.
"""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Error
from authlib.oidc.rpinitiated import EndSessionEndpoint
from authlib.oidc.rpinitiated.end_session import EndSessionRequest
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from identity.adapters.storage import Storage
from identity.domain.errors import FormExpired, RequestRefused, TokenRefused
from identity.domain.policies import secret_key
from identity.http.form_page import form_page
from identity.http.forms import FIELD, drop_session, read_form, session_cookie
from identity.http.oauth import FormRequest, PartyClient
from identity.http.pages import page
from identity.http.parts import Parts
from identity.http.provider import Provider
from identity.http.refusal_page import refusal_page
from identity.usecases.end_session import end_by_sid

_LONGEST_QUERY, _ASK = 12_000, object()


class EndSession(EndSessionEndpoint):  # type: ignore[misc]  # Authlib has no types
    """What a request asks for; nothing ends here yet."""

    server: Provider

    def _validate_id_token_hint(self, id_token_hint: str) -> dict[str, Any]:
        """An ID token, and no other token of ours; one that expired is as good (section 2)."""
        try:
            return dict(self.server.parts.signer.believed(id_token_hint, "JWT"))
        except TokenRefused:
            raise InvalidRequestError from None

    def _is_valid_post_logout_redirect_uri(self, client: PartyClient, post_logout_redirect_uri: str) -> bool:
        return post_logout_redirect_uri in client.party.post_logout_redirect_uris


async def end_session(request: Request) -> Response:
    """302 to the party, or a page that says it is done, or one that asks."""
    parts, cookie = Parts.of(request), session_cookie(request)
    try:
        fields = await _fields(request)
        confirmed = FIELD in fields
        if confirmed:
            parts.forms.check(request, fields)
        leads_to = await parts.within(lambda work: _ended(parts, work, fields, cookie, confirmed))
    except (FormExpired, RequestRefused) as error:
        return refusal_page(request, error)
    if leads_to is _ASK:
        return form_page(request, "end_session.html")
    response: Response = RedirectResponse(str(leads_to), 302) if leads_to else _done(parts)
    drop_session(response)
    return response


async def _fields(request: Request) -> dict[str, str]:
    if request.method == "POST":
        return await read_form(request)
    pairs = request.query_params.multi_items()
    fields = dict(pairs)
    printable = all(text.isprintable() for pair in pairs for text in pair)
    if len(fields) != len(pairs) or len(request.url.query) > _LONGEST_QUERY or FIELD in fields or not printable:
        raise RequestRefused
    return fields


def _ended(parts: Parts, work: Storage, fields: dict[str, str], cookie: str, confirmed: bool) -> object:
    """Where the browser goes, "" for nowhere, or `_ASK`; the session has ended unless somebody has to be asked."""
    session = work.sessions.get(secret_key(cookie)) if cookie else None
    here = session.sid if session and session.is_open(parts.now()) else ""
    if confirmed:
        end_by_sid(work, here, now=parts.now())
        return ""
    provider = Provider(parts, work)
    provider.register_endpoint(EndSession)
    asked = FormRequest("POST", f"{parts.settings.issuer}/end-session", fields)
    try:
        valid: EndSessionRequest = provider.validate_endpoint_request(EndSession.ENDPOINT_NAME, asked)
    except OAuth2Error:
        return _ASK
    named = (valid.id_token_claims or {}).get("sid", "")
    if not named or (here and named != here):
        return _ASK
    end_by_sid(work, named, now=parts.now())
    return valid.redirect_uri or ""


def _done(parts: Parts) -> Response:
    return page("signed_out.html", district=parts.here)
