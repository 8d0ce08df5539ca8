"""GET, POST /authorize: a relying party wants to know who somebody is (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2).

Who is signed in goes straight back with a code. Everybody else is shown the form first, and the request waits sealed in
its address. A request whose client or redirect URI is not known ends on a page of ours: nothing is sent there.

A POST is led on to the same request as a GET, sealed: no browser sends our cookies (SameSite=Lax) with a form of another site, and so
the POST, which anybody's page may send, does nothing in anybody's name.
"""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Error
from authlib.oidc.core.errors import (
    ConsentRequiredError,
    LoginRequiredError,
    RequestNotSupportedError,
    RequestURINotSupportedError,
)
from chassis.errors import fault_of
from chassis.logs import get_logger
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from identity.adapters.storage import Storage
from identity.domain.errors import (
    HomeAnswerRefused,
    HomeAway,
    NotAPeer,
    NotSignedIn,
    RegistryExpired,
    RequestRefused,
    TokenRefused,
)
from identity.domain.federation import may_be_known_elsewhere
from identity.domain.grants import is_fresh_enough
from identity.http.between import page_between, shown_once
from identity.http.forms import form_body, session_cookie
from identity.http.oauth import Answer, FormRequest
from identity.http.parts import Parts
from identity.http.pending import FIELD, LONGEST, Pending, going_on, sign_in_address
from identity.http.provider import Provider, SignedIn
from identity.http.refusal_page import refusal_page
from identity.http.switch import ask_home, home_to_ask, not_asked, without_home
from identity.usecases.find_session import find_session

log = get_logger(__name__)

_LONGEST_QUERY, _LONGEST_FIELD = 12_000, 2_000
_PROMPTS = frozenset({"none", "login", "select_account", "consent"})
_NUMBER = re.compile(r"[0-9]{1,9}")


async def authorize(request: Request) -> Response:
    """302 back to the relying party; 303 to the sign-in page, to one between, or from a POST to its GET; or a page that says why not."""
    parts, cookie = Parts.of(request), session_cookie(request)
    try:
        if request.method == "POST":
            return RedirectResponse(going_on(await _posted(request, parts)), 303)
        pending = _asked(request, parts)
        may_ask = bool(home_to_ask(request, parts, pending))
        answer = await parts.within(lambda work: _decided(parts, work, pending, cookie, may_ask=may_ask))
    except (RequestRefused, OAuth2Error) as error:
        log.info("request of a relying party refused", reason=type(error).__name__)
        return refusal_page(request, fault_of(error) or RequestRefused())
    except Exception as error:
        if (fault := fault_of(error)) is None:
            raise
        return refusal_page(request, fault)
    if answer is None:
        return await _signing_in(request, parts, pending)
    if isinstance(answer, str):
        sealed = parts.pending.seal(shown_once(pending))
        return RedirectResponse(f"{answer}?{urlencode({FIELD: sealed})}", 303)
    return RedirectResponse(answer.location, 302)


async def _signing_in(request: Request, parts: Parts, pending: Pending) -> Response:
    """To the home that the person is known at, where one is and was not asked yet; else to our page."""
    sealed = parts.pending.seal(pending)
    home = home_to_ask(request, parts, pending)
    if not home:
        return RedirectResponse(sign_in_address(sealed), 303)
    try:
        return await ask_home(request, parts, home, silent=True, sealed=sealed)
    except (NotAPeer, RegistryExpired, HomeAway, HomeAnswerRefused) as error:
        not_asked(home, error)
        log.warning("a home was not asked", home=home, code=error.code)
        return RedirectResponse(without_home(parts, sealed, home, "away"), 303)


def _asked(request: Request, parts: Parts) -> Pending:
    """The request itself, or the one that waited for a sign-in. Raises RequestRefused."""
    now, fields = parts.now(), _read(request.url.query)
    if FIELD not in fields:
        return Pending(fields, now)
    pending = parts.pending.open(fields[FIELD], now)
    if pending is None or len(fields) != 1:
        raise RequestRefused
    return pending


async def _posted(request: Request, parts: Parts) -> str:
    """The request in a form, sealed. Raises HTTPException 415, RequestRefused: also where the address has fields of its own."""
    try:
        fields = _read((await form_body(request)).decode())
    except UnicodeDecodeError:
        raise RequestRefused from None
    sealed = parts.pending.seal(Pending(fields, parts.now()))
    if request.url.query or FIELD in fields or len(sealed) > LONGEST:
        raise RequestRefused
    return sealed


def _read(text: str) -> dict[str, str]:
    """The fields of a query or a form, each once. Raises RequestRefused."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=40, errors="strict")
    except ValueError:
        raise RequestRefused from None
    fields = dict(pairs)
    long = len(text) > _LONGEST_QUERY or any(len(value) > _LONGEST_FIELD for name, value in pairs if name != FIELD)
    if long or len(fields) != len(pairs) or any(not text.isprintable() for pair in pairs for text in pair):
        raise RequestRefused
    return fields


def _decided(parts: Parts, work: Storage, pending: Pending, cookie: str, *, may_ask: bool) -> Answer | str | None:
    """The answer, or the path of a page of ours that comes first (between.py).

    None: somebody has to sign in first, or (`may_ask`) their home is to be asked. Raises OAuth2Error, RequestRefused where there is nowhere to answer to.
    """
    provider = Provider(parts, work)
    fields = pending.fields
    asked = FormRequest("GET", f"{parts.settings.issuer}/authorize", fields)
    client = provider.query_client(fields.get("client_id", ""))
    if client is None or not client.check_redirect_uri(fields.get("redirect_uri", "")):
        raise RequestRefused
    if fields.get("response_type") != "code":
        asked.payload.data["response_type"] = "none of ours"  # what it was does not go into the answer
    try:
        signed_in = _who(parts, work, cookie, provider.now)
        if signed_in and parts.is_peer(fields["client_id"]) and not may_be_known_elsewhere(signed_in.account):
            signed_in = None
        grant = provider.get_consent_grant(asked, signed_in)
        _check(pending)
        if not _answers(parts, pending, signed_in, provider.now):
            if "none" in pending.prompts and not may_ask:
                raise LoginRequiredError
            return None
        if signed_in and (page := page_between(pending, signed_in.account)):
            return page
    except OAuth2Error as error:
        error.redirect_uri, error.state = fields["redirect_uri"], fields.get("state")
        refused: Answer = provider.handle_error_response(asked, error)
        return refused
    granted: Answer = provider.create_authorization_response(asked, signed_in, grant)
    return granted


def _who(parts: Parts, work: Storage, cookie: str, now: datetime) -> SignedIn | None:
    try:
        return SignedIn(*find_session(work, cookie, now=now, silence=parts.silence))
    except NotSignedIn:
        return None


def _check(pending: Pending) -> None:
    """What we do not do is refused, where doing nothing could be taken for doing it. Raises OAuth2Error.

    `prompt=consent`: no party here needs a person's consent, and there is no page to give it on. Whoever cannot obtain it MUST say so
    (OpenID Connect Core section 3.1.2.1, `consent_required`): going on would let the party believe that the person was asked. A
    refresh token needs no such prompt here: that a party may have one stands in its registration (section 11).
    `prompt=select_account` shows the page on which a person signs in with the account of their choice, here or at their home.
    """
    fields, prompts = pending.fields, pending.prompts
    if "request" in fields:
        raise RequestNotSupportedError
    if "request_uri" in fields:
        raise RequestURINotSupportedError
    if not prompts <= _PROMPTS or (len(prompts) > 1 and "none" in prompts):
        raise InvalidRequestError("prompt must be none alone, or login, select_account or both.")
    if "consent" in prompts:
        raise ConsentRequiredError
    if fields.get("response_mode", "query") != "query":
        raise InvalidRequestError("response_mode must be query.")
    if "max_age" in fields and not _NUMBER.fullmatch(fields["max_age"]):
        raise InvalidRequestError("max_age must be a number of seconds.")


def _answers(parts: Parts, pending: Pending, signed_in: SignedIn | None, now: datetime) -> bool:
    """Whether whoever is signed in is an answer to this request."""
    if signed_in is None:
        return False
    fields = pending.fields
    if hint := fields.get("id_token_hint"):
        try:
            if parts.signer.believed(hint, "JWT")["sid"] != signed_in.session.sid:
                return False
        except (TokenRefused, KeyError):
            return False
    max_age = int(fields["max_age"]) if "max_age" in fields else None
    login, asked_at = pending.wants_sign_in, pending.asked_at
    return is_fresh_enough(signed_in.session, now, asked_at=asked_at, login=login, max_age=max_age)
