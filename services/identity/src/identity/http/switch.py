"""Asking a person's home district who they are: one top-level redirect there, bound to this browser (OpenID Connect Core 3.1).

The state that comes back is good once, in the browser whose cookie began it (login CSRF); nonce and PKCE bind the answer to it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from identity.domain.errors import HomeAnswerRefused, HomeAway, IdentityError, NotAPeer
from identity.domain.federation import ATTEMPT_LIFETIME, HOME_SCOPE, Attempt
from identity.domain.policies import secret_key
from identity.http.forms import new_secret
from identity.http.metrics import SWITCHES
from identity.http.parts import Parts
from identity.http.pending import FIELD, Pending, going_on, sign_in_address
from identity.http.refusal_page import refusal_page

CALLBACK = "/federation/callback"
SWITCH_COOKIE = "__Host-tongban_switch"
#: Where this browser's user is known, chosen once.
HOME_COOKIE = "__Host-tongban_home"
HOME_KEPT_S = 180 * 24 * 3600
#: Fields of a waiting request that are ours: which home was asked, and what came of it.
TRIED, SAID = "home_tried", "home_said"

_CODE = re.compile(r"[0-9]{6}")


def home_to_ask(request: Request, parts: Parts, pending: Pending) -> str:
    """The home that is asked without a page of its own; "" where none is known, was asked already, or a page is wanted.

    A peer that asks who somebody is gets our own people alone: nobody is vouched for on another's word.
    """
    fields, here = pending.fields, parts.settings.district
    if TRIED in fields or pending.wants_sign_in or parts.is_peer(fields.get("client_id", "")):
        return ""
    return _other(fields.get("home_district", ""), here) or remembered_home(request, here)


def remembered_home(request: Request, here: str) -> str:
    return _other(request.cookies.get(HOME_COOKIE, ""), here)


def _other(code: str, here: str) -> str:
    return code if code != here and _CODE.fullmatch(code) else ""


def remember_home(response: Response, code: str) -> None:
    response.set_cookie(HOME_COOKIE, code, max_age=HOME_KEPT_S, path="/", secure=True, httponly=True, samesite="lax")


async def ask_home(request: Request, parts: Parts, code: str, *, silent: bool, sealed: str) -> Response:
    """The redirect to the home's provider. Raises NotAPeer, RegistryExpired, HomeAway, HomeAnswerRefused."""
    now, home = parts.now(), await parts.peer(code)
    provider = await parts.homes.provider(home)
    waits = parts.pending.open(sealed, now)
    asked = dict(waits.fields) if waits else {}
    browser = request.cookies.get(SWITCH_COOKIE, "")
    if not 20 <= len(browser) <= 128:
        browser = new_secret()
    state, verifier = new_secret(), new_secret()
    attempt = Attempt(
        state_key=secret_key(state),
        browser_key=secret_key(browser),
        home=home.code,
        nonce=new_secret(),
        verifier=verifier,
        silent=silent,
        anew=not silent and waits is not None and waits.wants_sign_in,
        pending=sealed if waits else "",
        begun_at=now,
    )
    await parts.within(lambda work: work.switches.begin(attempt))
    fields: dict[str, str] = {
        "response_type": "code",
        "client_id": parts.settings.district,
        "redirect_uri": parts.settings.issuer + CALLBACK,
        "scope": HOME_SCOPE,
        "state": state,
        "nonce": attempt.nonce,
        "code_challenge": _challenge(verifier),
        "code_challenge_method": "S256",
        **{name: asked[name] for name in ("max_age", "ui_locales", "acr_values") if name in asked},
    }
    if silent or attempt.anew:
        fields["prompt"] = "none" if silent else "login"
    response = RedirectResponse(f"{provider.authorization_endpoint}?{urlencode(fields)}", 302)
    lasts = int(ATTEMPT_LIFETIME.total_seconds())
    response.set_cookie(SWITCH_COOKIE, browser, max_age=lasts, path="/", secure=True, httponly=True, samesite="lax")
    return response


def not_asked(code: str, error: Exception) -> None:
    """Counts a home that could not be asked; a code that is no open peer's is counted nowhere."""
    if isinstance(error, HomeAway | HomeAnswerRefused):
        SWITCHES.labels(code, "away" if isinstance(error, HomeAway) else "refused").inc()


def without_home(parts: Parts, sealed: str, code: str, said: str) -> str:
    """Where a request goes on that its home did not answer: to our sign-in page, or back to a party that wants no page."""
    waits = parts.pending.open(sealed, parts.now())
    if waits is None:
        return f"/sign-in?{urlencode({TRIED: code, SAID: said})}"
    fields = dict(waits.fields) | {TRIED: code, SAID: said}
    again = parts.pending.seal(Pending(fields, waits.asked_at))
    return going_on(again) if "none" in waits.prompts else sign_in_address(again)


async def federation_sign_in(request: Request) -> Response:
    """GET /federation/sign-in: somebody chose their home on our page, and signs in there."""
    parts = Parts.of(request)
    code, sealed = request.query_params.get("home_district", ""), request.query_params.get(FIELD, "")
    try:
        if not _other(code, parts.settings.district):
            raise NotAPeer
        response = await ask_home(request, parts, code, silent=False, sealed=sealed)
    except IdentityError as error:
        not_asked(code, error)
        return refusal_page(request, error, code)
    remember_home(response, code)
    return response


_SAID = {
    "nobody": (
        "您在{zh}尚未登录，请在那里登录，或使用本区账户。",
        "You are not signed in at {en}; sign in there, or with an account here.",
    ),
    "away": (
        "{zh}暂时无法连接，请稍后再试，或使用本区账户。",
        "{en} cannot be reached now; try again shortly, or use an account here.",
    ),
}


async def home_choices(request: Request, waits: Pending | None, sealed: str) -> dict[str, Any]:
    """What the sign-in page shows of other districts: where somebody may be known, theirs first, and what their home said.

    For a peer that asks there is nothing to choose: it wants our own people.
    """
    parts = Parts.of(request)
    fields = waits.fields if waits else request.query_params
    if waits and parts.is_peer(waits.fields.get("client_id", "")):
        return {"homes": [], "said": None}
    peers = await parts.within(lambda work: parts.peers.all(work, parts.now()))
    tried = fields.get(TRIED, "")
    first = tried or fields.get("home_district", "") or remembered_home(request, parts.settings.district)
    names = {peer.code: {"zh": peer.name_zh, "en": peer.name_en} for peer in peers}
    zh, en = _SAID.get(fields.get(SAID, ""), ("", ""))
    said = {"zh": zh.format(**names[tried]), "en": en.format(**names[tried])} if zh and tried in names else None
    ordered = sorted(peers, key=lambda peer: (peer.code != first, peer.code))
    return {"homes": [names[peer.code] | {"href": sign_in_at(peer.code, sealed)} for peer in ordered], "said": said}


def sign_in_at(code: str, sealed: str) -> str:
    """Where somebody goes to be signed in by that district, and on with the request that waits."""
    return f"/federation/sign-in?{urlencode({'home_district': code} | ({FIELD: sealed} if sealed else {}))}"


def _challenge(verifier: str) -> str:
    """RFC 7636 section 4.2, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
