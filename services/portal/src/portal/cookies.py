"""The portal's cookies: one for the session, one for each sign-in under way, one for the language.

All are bound to this origin alone (`__Host-`), closed to scripts, and Lax: they come along when identity sends a person
back, and stay away when another site posts a form here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from chassis.sealed import FieldCipher, SealBroken
from starlette.requests import Request
from starlette.responses import Response

from portal.model import SESSION_LIFETIME

SESSION = "__Host-tongban_portal"
LANGUAGE = "__Host-tongban_language"
_ATTEMPT = "__Host-tongban_attempt_"
#: How long somebody may take to sign in.
ATTEMPT_LIFETIME = timedelta(minutes=10)
_YEAR = 365 * 24 * 3600
_LONGEST = 128
_STATE = re.compile(r"[A-Za-z0-9_-]{20,128}")
_OPTIONS = {"path": "/", "secure": True, "httponly": True, "samesite": "lax"}


def new_secret() -> str:
    """256 random bits, as a cookie can hold them."""
    return secrets.token_urlsafe(32)


def session_cookie(request: Request) -> str:
    """The session cookie's value, or ""."""
    value = request.cookies.get(SESSION, "")
    return value if len(value) <= _LONGEST else ""


def session_key(cookie: str) -> str:
    """What the database knows a cookie by."""
    return hashlib.sha256(cookie.encode()).hexdigest()


def keep_session(response: Response, value: str) -> None:
    response.set_cookie(SESSION, value, max_age=int(SESSION_LIFETIME.total_seconds()), **_OPTIONS)  # type: ignore[arg-type]


def drop_session(response: Response) -> None:
    response.delete_cookie(SESSION, **_OPTIONS)  # type: ignore[arg-type]


def language(request: Request) -> str:
    """Chinese unless this browser chose English."""
    return "en" if request.cookies.get(LANGUAGE) == "en" else "zh"


def keep_language(response: Response, chosen: str) -> None:
    response.set_cookie(LANGUAGE, chosen, max_age=_YEAR, **_OPTIONS)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Attempt:
    """A sign-in under way in one browser: what was sent to identity, and where the person wanted to go."""

    state: str
    nonce: str
    verifier: str
    to: str
    silent: bool
    began: int


def keep_attempt(response: Response, attempt: Attempt, cipher: FieldCipher) -> None:
    """The browser keeps it, sealed: several may be under way in several tabs, and none costs us a row."""
    sealed = cipher.seal(json.dumps(asdict(attempt)), f"attempt {attempt.state}")
    value = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
    response.set_cookie(_name(attempt.state), value, max_age=int(ATTEMPT_LIFETIME.total_seconds()), **_OPTIONS)  # type: ignore[arg-type]


def drop_attempt(response: Response, state: str) -> None:
    if _STATE.fullmatch(state):
        response.delete_cookie(_name(state), **_OPTIONS)  # type: ignore[arg-type]


def attempt_of(request: Request, state: str, cipher: FieldCipher, now: datetime) -> Attempt | None:
    """The sign-in that this browser began with `state`; None where it began none, or too long ago."""
    if not _STATE.fullmatch(state):
        return None
    value = request.cookies.get(_name(state), "")
    try:
        sealed = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
        attempt = Attempt(**json.loads(cipher.open(sealed, f"attempt {state}")))
    except (SealBroken, ValueError, TypeError, binascii.Error):
        return None
    return attempt if now.timestamp() - attempt.began <= ATTEMPT_LIFETIME.total_seconds() else None


def _name(state: str) -> str:
    return _ATTEMPT + state[:8]
