"""GET /federation/callback: a person comes back from their home's provider.

Nothing of the answer is looked at before state, browser and issuer are those of one attempt (RFC 9700 section 4.4, RFC 9207).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from chassis.logs import get_logger
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from identity.adapters.credit_codes import is_credit_code
from identity.adapters.home_tokens import verified
from identity.adapters.homes import Provider
from identity.adapters.id_numbers import is_id_number
from identity.adapters.token_keys import half_hash
from identity.domain.errors import HomeAnswerRefused, HomeAway, HomeRefused, IdentityError, SwitchExpired
from identity.domain.federation import ATTEMPT_LIFETIME, Attempt, read_answer
from identity.domain.model import Assurance, Person
from identity.domain.policies import secret_key
from identity.domain.registry import District
from identity.domain.vouching import Word, read_firms
from identity.http.clients import ASSERTION_TYPE
from identity.http.forms import keep_session, new_secret, session_cookie
from identity.http.metrics import SWITCHES
from identity.http.pages import page
from identity.http.parts import Parts
from identity.http.pending import going_on
from identity.http.refusal_page import refusal_page
from identity.http.switch import CALLBACK, SWITCH_COOKIE, without_home
from identity.usecases.sign_in_from_home import Browser, FromHome, sign_in_from_home

log = get_logger(__name__)

_LONGEST = 8_000


async def federation_callback(request: Request) -> Response:
    """303 on with the request that waited; to our sign-in page where the home signed nobody in; or a page that says why neither."""
    parts, asked = Parts.of(request), ""
    try:
        fields = _fields(request)
        attempt = await _attempt(request, parts, fields)
        home = await parts.peer(asked := attempt.home)
        if fields.get("iss") != home.issuer:
            raise HomeAnswerRefused("iss")
        if "error" in fields:
            SWITCHES.labels(home.code, "nobody").inc()
            log.info("a home signed nobody in", home=home.code, error=fields["error"][:64])
            return RedirectResponse(without_home(parts, attempt.pending, home.code, "nobody"), 303)
        told = await _told(parts, attempt, home, fields.get("code", ""))
    except (HomeAway, HomeRefused) as error:  # raised only once there is an attempt
        SWITCHES.labels(attempt.home, "away" if isinstance(error, HomeAway) else "refused").inc()
        log.warning("a sign-in at a home could not be finished", home=attempt.home, code=error.code)
        return RedirectResponse(without_home(parts, attempt.pending, attempt.home, "away"), 303)
    except IdentityError as error:
        if asked:
            SWITCHES.labels(asked, "refused").inc()
        log.warning("a home's answer was refused", code=error.code, claim=error.details.get("claim", ""))
        return refusal_page(request, error, asked)
    return await _signed_in(request, parts, told)


def _fields(request: Request) -> dict[str, str]:
    """Raises SwitchExpired where the query cannot be read, or names a field twice."""
    try:
        if len(request.url.query) > _LONGEST:
            raise ValueError
        pairs = parse_qsl(request.url.query, keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        raise SwitchExpired from None
    fields = dict(pairs)
    if len(fields) != len(pairs) or not all(text.isprintable() for pair in pairs for text in pair):
        raise SwitchExpired
    return fields


async def _attempt(request: Request, parts: Parts, fields: Mapping[str, str]) -> Attempt:
    """The attempt that this browser began; it is used up. Raises SwitchExpired."""
    state, browser = fields.get("state", ""), request.cookies.get(SWITCH_COOKIE, "")
    attempt = await parts.within(lambda work: work.switches.take(secret_key(state), secret_key(browser)))
    if attempt is None or parts.now() >= attempt.begun_at + ATTEMPT_LIFETIME:
        raise SwitchExpired
    return attempt


async def _told(parts: Parts, attempt: Attempt, home: District, code: str) -> FromHome:
    """Raises HomeAnswerRefused, HomeAway, HomeRefused."""
    if not code:
        raise HomeAnswerRefused("code")
    provider = await parts.homes.provider(home)
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": parts.settings.issuer + CALLBACK,
        "code_verifier": attempt.verifier,
        **proof(parts, provider),
    }
    tokens = await parts.homes.tokens(provider, fields)
    access_token, refresh_token = text_of(tokens, "access_token"), text_of(tokens, "refresh_token")
    _, claims, alg = await verified(tokens.get("id_token"), home, parts.homes)
    answer = read_answer(
        claims,
        issuer=home.issuer,
        client_id=parts.settings.district,
        nonce=attempt.nonce,
        at_hash=half_hash(access_token, alg),
        now=parts.now(),
    )
    asked_at = parts.now()
    told = await parts.homes.userinfo(provider, access_token)
    person, firms = _person(told, str(claims["sub"])), firms_told(parts, told, str(claims["sub"]), home, asked_at)
    return FromHome(attempt, answer, person, refresh_token, firms)


def proof(parts: Parts, provider: Provider) -> dict[str, str]:
    """Who we are to a peer: our division code, proven with the key that signs our tokens (RFC 7523)."""
    return {
        "client_id": parts.settings.district,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": parts.signer.client_assertion(parts.settings.district, provider.issuer, parts.now()),
    }


def text_of(tokens: Mapping[str, Any], name: str) -> str:
    """Raises HomeAnswerRefused."""
    value = tokens.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 16_384:
        raise HomeAnswerRefused(name)
    return value


def firms_told(parts: Parts, told: Mapping[str, Any], subject: str, home: District, asked_at: datetime) -> Word:
    """For which firms the person whose ID token it was may act, as userinfo says. Raises HomeAnswerRefused."""
    _check_subject(told, subject)
    limit, silence = Assurance(parts.settings.peers_acr_limit), timedelta(seconds=parts.settings.home_silence_s)
    firms = read_firms(told.get("firms"), home.code, limit=limit, is_credit_code=is_credit_code, now=asked_at)
    return Word(firms, asked_at, asked_at + silence)


def _check_subject(told: Mapping[str, Any], subject: str) -> None:
    """Userinfo is of the person whose ID token it was (OpenID Connect Core section 5.3.2). Raises HomeAnswerRefused."""
    if told.get("sub") != subject:
        raise HomeAnswerRefused("userinfo")


def _person(told: Mapping[str, Any], subject: str) -> Person:
    """Name and ID number of the person whose ID token it was. Raises HomeAnswerRefused."""
    _check_subject(told, subject)
    name, number = told.get("name"), told.get("id_number")
    if not isinstance(name, str) or not 0 < len(name) <= 100 or not name.isprintable():
        raise HomeAnswerRefused("name")
    if not isinstance(number, str) or not is_id_number(number):
        raise HomeAnswerRefused("id_number")
    return Person(name, number, "", "")


async def _signed_in(request: Request, parts: Parts, told: FromHome) -> Response:
    now = parts.now()
    browser = Browser(new_secret(), secrets.token_urlsafe(16), session_cookie(request))
    every = timedelta(seconds=parts.settings.home_confirm_s)
    limit = Assurance(parts.settings.peers_acr_limit)
    account = await parts.within(lambda work: sign_in_from_home(work, told, browser, limit=limit, now=now, every=every))
    SWITCHES.labels(told.attempt.home, "signed_in").inc()
    log.info("signed in by home", home=told.attempt.home, subject=account.subject, acr=account.acr.value)
    waits = parts.pending.open(told.attempt.pending, now)
    on = going_on(told.attempt.pending if waits else "")
    # A page between: whoever filled in a form at home is on a way that began with it, and browsers hold every step of that
    # way against the home's policy for forms, which knows nothing of where this district's portals are.
    response: Response = (
        RedirectResponse(on, 303) if told.attempt.silent else page("going_on.html", district=parts.here, on=on)
    )
    keep_session(response, browser.cookie)
    return response
