"""Forms and cookies: what is read from a form, and the proof that our own page sent it.

A form that changes something carries a token made from a cookie that only our origin can have set (`__Host-`): no other
site can know it, nor plant one (login CSRF). A program may send the header `Tongban-CSRF: 1` in its place: a browser lets no
other site send that without asking us first, and we never allow it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import parse_qsl

from chassis.edge import body_of
from chassis.errors import Fault, Kind
from chassis.sealed import FieldKeys
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from identity.domain.errors import FormExpired
from identity.domain.policies import SESSION_LIFETIME

FORM_COOKIE = "__Host-tongban_form"
SESSION_COOKIE = "__Host-tongban_session"
HEADER = "tongban-csrf"
FIELD = "form_token"
_TYPE = "application/x-www-form-urlencoded"
_LONGEST_COOKIE = 128


def new_secret() -> str:
    """256 random bits, as a cookie can hold them."""
    return secrets.token_urlsafe(32)


def session_cookie(request: Request) -> str:
    """The session cookie's value, or ""."""
    value = request.cookies.get(SESSION_COOKIE, "")
    return value if len(value) <= _LONGEST_COOKIE else ""


def keep_session(response: Response, value: str) -> None:
    lifetime = int(SESSION_LIFETIME.total_seconds())
    response.set_cookie(SESSION_COOKIE, value, max_age=lifetime, path="/", secure=True, httponly=True, samesite="lax")


def drop_session(response: Response) -> None:
    response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")


async def form_body(request: Request) -> bytes:
    """What a form sent, unread. Raises HTTPException 415."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise HTTPException(415, headers={"Accept-Post": _TYPE})
    return await body_of(request)


async def read_form(request: Request) -> dict[str, str]:
    """The form's fields. Raises HTTPException 415, Fault `request.invalid` where it is unreadable or names a field twice."""
    body = await form_body(request)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        raise _unreadable() from None
    fields = dict(pairs)
    if len(fields) != len(pairs) or any("\x00" in text for pair in pairs for text in pair):
        raise _unreadable()
    return fields


def _unreadable() -> Fault:
    return Fault("request.invalid", Kind.INVALID, "The form could not be read, or names a field twice.")


class Forms:
    """Makes and checks the proof."""

    def __init__(self, keys: FieldKeys, origin: str) -> None:
        self._keys, self._origin = [key.secret for key in keys.all], origin

    def token(self, cookie: str) -> str:
        return self._made(cookie)[0]

    def _made(self, cookie: str) -> list[str]:
        """Under every key, the first one's first: a page may be older than a change of keys."""
        return [hmac.new(key, cookie.encode(), hashlib.sha256).hexdigest() for key in self._keys]

    def cookie(self, request: Request, response: Response) -> str:
        """The form cookie's value; a fresh one is set where the browser has none."""
        value = request.cookies.get(FORM_COOKIE, "")
        if not 20 <= len(value) <= _LONGEST_COOKIE:
            value = new_secret()
            response.set_cookie(FORM_COOKIE, value, path="/", secure=True, httponly=True, samesite="lax")
        return value

    def check(self, request: Request, fields: dict[str, str]) -> None:
        """Raises FormExpired unless our own page, or a program, sent it."""
        if request.headers.get("origin", self._origin) != self._origin:
            raise FormExpired
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise FormExpired
        if request.headers.get(HEADER) == "1":
            return
        cookie = request.cookies.get(FORM_COOKIE, "")
        shown = fields.get(FIELD, "").encode()
        if not cookie or not any(hmac.compare_digest(made.encode(), shown) for made in self._made(cookie)):
            raise FormExpired
