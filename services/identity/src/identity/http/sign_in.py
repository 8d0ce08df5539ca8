"""GET and POST /sign-in: a form, and a session for whoever's name and password are right.

Nobody learns whether a name exists: every refusal is the same answer, and takes a verification either way.
"""

from __future__ import annotations

import secrets

from chassis.edge import RETRY_AFTER_S, STATUS, problem
from chassis.errors import Fault, Kind, fault_of
from chassis.logs import get_logger
from chassis.sealed import mask_name
from starlette.concurrency import run_in_threadpool
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from identity.adapters.passwords import NOBODY, hash_password, matches, needs_new_hash
from identity.adapters.storage import Storage
from identity.domain.errors import FormExpired, NotSignedIn, SignInRefused
from identity.domain.model import Account
from identity.domain.sign_up import normal_login
from identity.http.forms import keep_session, new_secret, read_form, session_cookie
from identity.http.pages import page
from identity.http.parts import Parts
from identity.http.pending import FIELD, going_on
from identity.http.signed_in import signed_in
from identity.http.switch import home_choices
from identity.usecases.begin_session import begin_session
from identity.usecases.find_credential import Credential, find_credential

log = get_logger(__name__)

LONGEST_LOGIN, LONGEST_PASSWORD = 64, 256

_SENTENCES = {
    SignInRefused.code: {"zh": "用户名或密码不正确。", "en": "User name or password is not right."},
    FormExpired.code: {"zh": "页面已失效，请重新登录。", "en": "The page was too old; please sign in again."},
    "identity.too_many_attempts": {
        "zh": "尝试过于频繁，请稍后再试。",
        "en": "Too many attempts; try again in a moment.",
    },
}
_OTHERWISE = {"zh": "现在无法登录，请稍后再试。", "en": "Signing in is not possible now; try again shortly."}


class SignIn(HTTPEndpoint):
    """The page, and what its form sends."""

    async def get(self, request: Request) -> Response:
        """The form; or, where no relying party waits for a sign-in, who is signed in and how to sign out."""
        if sealed := request.query_params.get(FIELD, ""):
            return await _form(request, sealed=sealed)
        try:
            _, account = await signed_in(request)
        except NotSignedIn:
            return await _form(request)
        return _signed_in(request, account)

    async def post(self, request: Request) -> Response:
        """303 on with the request that waited, or to the page of whoever is signed in now; else the form with its reason."""
        login = sealed = ""
        try:
            fields = await read_form(request)
            parts = Parts.of(request)
            parts.forms.check(request, fields)
            login, sealed = fields.get("login", ""), fields.get(FIELD, "")
            cookie = await _verified(request, parts, normal_login(login), fields.get("password", ""))
        except (Fault, SignInRefused, FormExpired) as error:
            return await _refusal(request, error, login, sealed)
        waits = parts.pending.open(sealed, parts.now())
        response = RedirectResponse(going_on(sealed if waits else ""), 303)
        keep_session(response, cookie)
        return response


async def _verified(request: Request, parts: Parts, login: str, password: str) -> str:
    """The cookie of a fresh session. Raises SignInRefused, Fault."""
    if len(login) > LONGEST_LOGIN or len(password) > LONGEST_PASSWORD:
        login, password = "", ""  # goes the same way as every other wrong one
    found = await parts.within(lambda work: find_credential(work, login))
    kept = found.password_hash if found else NOBODY
    address = request.client.host if request.client else ""
    right = await parts.lanes.verify(login, address, lambda: matches(kept, password))
    if found is None or not right:
        log.info("sign-in refused")
        raise SignInRefused
    cookie, sid, old, now = new_secret(), secrets.token_urlsafe(16), session_cookie(request), parts.now()
    fresh = await run_in_threadpool(hash_password, password) if needs_new_hash(kept) else ""

    def begin(work: Storage, found: Credential = found) -> Account:
        if fresh:
            work.accounts.set_password_hash(found.subject, fresh)
        return begin_session(work, found.subject, cookie=cookie, sid=sid, replaces=old, now=now)

    account = await parts.within(begin)
    log.info("signed in", subject=account.subject, acr=account.acr.value)
    return cookie


async def _form(
    request: Request, status: int = 200, sentence: dict[str, str] | None = None, login: str = "", sealed: str = ""
) -> HTMLResponse:
    parts = Parts.of(request)
    waits = parts.pending.open(sealed, parts.now())
    carrier = Response()
    token = parts.forms.token(parts.forms.cookie(request, carrier))
    shown = page(
        "sign_in.html",
        status,
        district=parts.here,
        problem=sentence,
        token=token,
        login=login[:LONGEST_LOGIN],
        pending=sealed if waits else "",
        leads_to=[waits.fields["redirect_uri"]] if waits else [],
        **await home_choices(request, waits, sealed if waits else ""),
    )
    shown.headers.raw.extend(pair for pair in carrier.headers.raw if pair[0] == b"set-cookie")
    return shown


def _signed_in(request: Request, account: Account) -> HTMLResponse:
    parts = Parts.of(request)
    carrier = Response()
    token = parts.forms.token(parts.forms.cookie(request, carrier))
    name = mask_name(account.person.name)
    shown = page(
        "signed_in.html",
        district=parts.here,
        name=name,
        elsewhere=parts.elsewhere(account.subject),
        sample=account.sample,
        token=token,
    )
    shown.headers.raw.extend(pair for pair in carrier.headers.raw if pair[0] == b"set-cookie")
    return shown


async def _refusal(request: Request, error: Exception, login: str, sealed: str) -> Response:
    fault = fault_of(error)
    assert fault is not None
    if "text/html" not in request.headers.get("accept", ""):
        return problem(fault, headers=_challenge(fault))
    sentence = _SENTENCES.get(fault.code, _OTHERWISE)
    shown = await _form(request, STATUS[fault.kind], sentence, login, sealed)
    shown.headers.update(_challenge(fault))
    if fault.kind in (Kind.RATE_LIMITED, Kind.UNAVAILABLE):
        shown.headers["Retry-After"] = str(RETRY_AFTER_S)
    return shown


def _challenge(fault: Fault) -> dict[str, str]:
    """RFC 9110 section 15.5.2 wants one with every 401; this scheme is our form's, and no browser asks for it itself."""
    return {"WWW-Authenticate": 'Form realm="tongban"'} if fault.kind is Kind.UNAUTHENTICATED else {}
