"""Signing in and out by this district's identity (OpenID Connect: code, PKCE, RP-initiated and back-channel logout)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode

from chassis.edge import body_of
from chassis.errors import Fault
from chassis.logs import get_logger
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from portal.adapters.provider import Refused, SignedIn
from portal.adapters.tokens import NotBelieved
from portal.cookies import (
    Attempt,
    attempt_of,
    drop_attempt,
    drop_session,
    keep_attempt,
    keep_session,
    language,
    new_secret,
    session_cookie,
    session_key,
)
from portal.desk import Desk, visitor
from portal.errors import sign_in_failed
from portal.model import SESSION_LIFETIME, Person, Session
from portal.pages import TAGS, page, safe_target
from portal.routes.at import at

log = get_logger(__name__)

#: What identity answers where nobody can be signed in without being asked (OpenID Connect Core section 3.1.2.6).
_PROMPT_NEEDED = ("login_required", "interaction_required", "consent_required", "account_selection_required")
#: How strongly a person may be asked to prove who they are.
ACRS = ("L3", "L4", "L5")
_NOT_KEPT = {"Cache-Control": "no-store"}


async def sign_in(request: Request) -> Response:
    """Leads to identity. `to`: where to come back to; `silent`: only if nobody has to be asked.

    `again`: whoever is signed in says anew who they are. On the way identity lets a person choose for whom they act (`choose`), or prove who they are up to `acr` (RFC 9470 section 4).
    """
    desk, asked = Desk.of(request), request.query_params
    silent, home = asked.get("silent") == "1", asked.get("home_district", "")
    attempt = Attempt(
        state=new_secret(),
        nonce=new_secret(),
        verifier=new_secret(),
        to=safe_target(asked.get("to", "/")),
        silent=silent,
        began=int(desk.now().timestamp()),
    )
    more = {"ui_locales": TAGS[language(request)]}
    if silent:
        more["prompt"] = "none"
    elif asked.get("choose") == "1":
        more["acting_for"] = "choose"
    elif asked.get("again") == "1":
        more["prompt"] = "login"
    if asked.get("acr") in ACRS:
        more["acr_values"] = asked["acr"]
    if home in desk.districts:
        more["home_district"] = home
    try:
        url = await desk.provider.sign_in_url(
            state=attempt.state, nonce=attempt.nonce, verifier=attempt.verifier, more=more
        )
    except Fault:
        if silent:  # nobody asked for it: the page they wanted does without
            return RedirectResponse(attempt.to, 303)
        raise
    response = RedirectResponse(url, 303)
    keep_attempt(response, attempt, desk.cipher)
    return response


async def signed_in(request: Request) -> Response:
    """What identity answers, for a sign-in that this browser began; a fresh session each time."""
    desk, told = Desk.of(request), request.query_params
    state = told.get("state", "")
    attempt = attempt_of(request, state, desk.cipher, desk.now())
    try:
        if attempt is None:
            raise NotBelieved("state")
        if told.get("iss") != desk.provider.issuer:  # RFC 9207: an answer of another server is none (mix-up)
            raise NotBelieved("iss")
        if attempt.silent and told.get("error") in _PROMPT_NEEDED:
            return _done(attempt)
        if "error" in told or not told.get("code"):
            raise Refused(told.get("error", "no code")[:64])
        found = await desk.provider.redeem(told["code"], verifier=attempt.verifier, nonce=attempt.nonce)
        return await _begin(request, attempt, found)
    except (NotBelieved, Refused) as refusal:
        log.warning("a sign-in failed", reason=str(refusal))
        if attempt is not None and attempt.silent:
            return _done(attempt)
        raise sign_in_failed() from None


async def _begin(request: Request, attempt: Attempt, found: SignedIn) -> Response:
    desk, cookie, before = Desk.of(request), new_secret(), session_cookie(request)
    session = Session(
        key=session_key(cookie),
        sid=str(found.claims.get("sid", "")),
        person=person_of(found.claims, desk.settings.district),
        tokens=found.tokens,
        expires_at=desk.now() + SESSION_LIFETIME,
    )

    def begin(storage: Any) -> bool:
        if (
            before
        ):  # the old one goes whatever comes: a cookie that somebody planted is worth nothing (session fixation)
            storage.end(session_key(before))
        return bool(storage.begin(session))

    if not await desk.within(begin):
        raise NotBelieved("ended already")
    response = _done(attempt)
    keep_session(response, cookie)
    return response


def _done(attempt: Attempt) -> Response:
    response = RedirectResponse(attempt.to, 303)
    drop_attempt(response, attempt.state)
    return response


def person_of(claims: Mapping[str, Any], here: str) -> Person:
    """Whom the claims speak of."""
    roles = claims.get("roles")
    home = str(claims.get("home") or claims.get("home_district") or "")
    return Person(
        subject=str(claims["sub"]),
        name=str(claims.get("name", "")),
        roles=frozenset(map(str, roles)) if isinstance(roles, list) else frozenset(),
        home="" if home == here else home,
        acr=str(claims.get("acr", "")),
        acting_for=str(claims.get("acting_for") or ""),
        acting_for_name=str(claims.get("acting_for_name") or ""),
    )


async def sign_out(request: Request) -> Response:
    """Ends the session here at once, then leads to identity, which ends it there and everywhere else."""
    desk, session = Desk.of(request), visitor(request)
    to = "/signed-out"
    if session is not None:
        async with desk.forms.read(request):
            await desk.within(lambda storage: storage.end(session.key))
        try:
            to = await desk.provider.sign_out_url(session.tokens.id_token, new_secret(), TAGS[language(request)])
        except Fault:
            to = f"/signed-out?{urlencode({'only': 'here'})}"
    response = RedirectResponse(to, 303)
    drop_session(response)
    return response


async def signed_out(request: Request) -> Response:
    return page(request, "signed_out.html", only_here=request.query_params.get("only") == "here")


async def backchannel_logout(request: Request) -> Response:
    """Identity tells that a session ended (OpenID Connect Back-Channel Logout section 2.7). Told again, nothing changes."""
    desk = Desk.of(request)
    try:
        token = await _logout_token(request)
        claims = await desk.provider.told_logout(token)
    except NotBelieved as refusal:
        log.warning("a logout token was not believed", reason=str(refusal))
        body = {"error": "invalid_request", "error_description": "The logout token is not acceptable."}
        return JSONResponse(body, 400, _NOT_KEPT)
    sid, subject, now = claims.get("sid"), claims.get("sub"), desk.now()
    if sid:
        ended = await desk.within(lambda storage: storage.end_sid(sid, now))
    else:
        ended = await desk.within(lambda storage: storage.end_subject(str(subject)))
    log.info("identity ended a session", sessions=ended)
    return Response(status_code=200, headers=_NOT_KEPT)


async def _logout_token(request: Request) -> str:
    try:
        values = parse_qs((await body_of(request)).decode(), max_num_fields=20).get("logout_token", [])
    except ValueError:
        values = []
    if len(values) != 1 or len(values[0]) > 8192:
        raise NotBelieved("no token")
    return values[0]


ROUTES = (
    at("/sign-in", sign_in, known=False),
    at("/signed-in", signed_in, known=False),
    at("/sign-out", sign_out, "POST"),
    at("/signed-out", signed_out),
    at("/backchannel-logout", backchannel_logout, "POST", known=False),
)
