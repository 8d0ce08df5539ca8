"""Signing in people of other districts: what is asked of their home, and what of its answer is believed.

A home says who somebody is and how strongly that was proven; nothing else crosses. Both are checked here as pure functions over
claims whose signature was verified (adapters/home_keys.py).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from identity.domain.errors import HomeAnswerRefused, KnownElsewhere, LogoutRefused
from identity.domain.model import Account, AccountKind, Assurance

#: How long somebody may take at their home's sign-in page.
ATTEMPT_LIFETIME = timedelta(minutes=10)
#: By how much clocks of two districts may differ.
LEEWAY = timedelta(seconds=30)
#: How old an ID token or a logout token may be when it comes.
TOKEN_AGE = timedelta(minutes=5)
#: What a home is asked for: who it is, name and ID number for applications, and a refresh token to confirm the session by.
HOME_SCOPE = "openid profile identity offline_access"
#: The event of a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4).
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"

_PLAIN = re.compile(r"[!-~]{1,255}")


@dataclass(frozen=True)
class Attempt:
    """A sign-in that was begun at the home of a browser's user: one redirect there, used once."""

    #: Hashes of the state, and of the cookie of the browser that may bring it back.
    state_key: str
    browser_key: str
    home: str
    nonce: str
    verifier: str = field(repr=False)
    #: Whether the home was asked without a page of its own (prompt=none).
    silent: bool
    #: Whether the person had to prove who they are anew (prompt=login).
    anew: bool
    #: The relying party's request that waits here, sealed; empty: none does.
    pending: str = field(repr=False)
    begun_at: datetime


@dataclass(frozen=True)
class HomeAnswer:
    """Who the person is, as their home's ID token says."""

    subject: str
    acr: Assurance
    #: When the person proved who they are.
    auth_time: datetime
    #: The home's name of its own session: in its logout tokens.
    sid: str


def foreign_subject(home: str, subject: str) -> str:
    """How a person of another district is called here; no account of ours has a colon (infra/adr/0014)."""
    return f"{home}:{subject}"


def is_plain(text: str) -> bool:
    """Whether it may be a subject, or a session's name, in another district's words."""
    return _PLAIN.fullmatch(text) is not None


def home_of(subject: str) -> str:
    """The district that the person of this subject comes from; "" for one of ours."""
    home, colon, _ = subject.partition(":")
    return home if colon else ""


def may_be_known_elsewhere(account: Account) -> bool:
    """Whether this district vouches for somebody to another: for its own people, never for its staff or another's people."""
    return account.kind is not AccountKind.STAFF and not home_of(account.subject)


def check_ours(account: Account) -> None:
    """Raises KnownElsewhere for a person of another district: what their home said of them is never raised here."""
    if home_of(account.subject):
        raise KnownElsewhere


def carried(claimed: Assurance, limit: Assurance) -> Assurance:
    """What a home's word is worth here: never more than it says, never more than this district takes from elsewhere."""
    return min(claimed, limit)


def proven_at(answer: HomeAnswer, attempt: Attempt, now: datetime) -> datetime:
    """When the person proved who they are, on this district's clock where they were made to do so by this attempt.

    Seconds of two clocks differ: without this, whoever had to sign in anew would be asked for it for ever.
    """
    return now if attempt.anew and answer.auth_time >= attempt.begun_at - LEEWAY else answer.auth_time


def read_answer(
    claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str | None, at_hash: str, now: datetime
) -> HomeAnswer:
    """The person in a verified ID token (OpenID Connect Core sections 3.1.3.7 and 12.2). Raises HomeAnswerRefused.

    `nonce` is None where the token was refreshed: then it is not asked for. `at_hash` is that of the access token beside it; a
    home need not say it of tokens that we fetch from itself (section 3.1.3.6), and userinfo's `sub` holds them together anyway.
    """
    _check(claims.get("iss") == issuer, "iss")
    audience = _audience(claims.get("aud"))
    _check(client_id in audience and (len(audience) == 1 or "azp" in claims), "aud")
    _check(claims.get("azp", client_id) == client_id, "azp")
    issued, expires = _moment(claims, "iat"), _moment(claims, "exp")
    _check(now < expires + LEEWAY and now - TOKEN_AGE <= issued <= now + LEEWAY, "exp")
    _check(nonce is None or hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()), "nonce")
    _check(hmac.compare_digest(str(claims.get("at_hash", at_hash)).encode(), at_hash.encode()), "at_hash")
    auth_time = _moment(claims, "auth_time")
    _check(auth_time <= now + LEEWAY, "auth_time")
    acr = claims.get("acr")
    _check(isinstance(acr, str) and acr in set(Assurance), "acr")
    return HomeAnswer(_text(claims, "sub"), Assurance(str(acr)), min(auth_time, now), _text(claims, "sid"))


@dataclass(frozen=True)
class ForeignSession:
    """A session here that stands on one at the person's home."""

    #: Its name here, and at home.
    sid: str
    home: str
    home_sid: str
    subject: str
    #: What the home said when the session began; a later word may lower it.
    acr: Assurance
    #: With which the home is asked whether its session still stands.
    refresh_token: str = field(repr=False)
    #: When the home last said so.
    confirmed_at: datetime

    def stands_until(self, silence: timedelta) -> datetime:
        """The session ends then unless the home says before that it stands: a word that comes later revives nothing."""
        return self.confirmed_at + silence


@dataclass(frozen=True)
class LogoutNotice:
    """A peer says that a session is over."""

    sid: str
    jti: str
    expires_at: datetime


def read_logout(
    header: Mapping[str, Any], claims: Mapping[str, Any], *, issuer: str, client_id: str, now: datetime
) -> LogoutNotice:
    """What a verified logout token says (OpenID Connect Back-Channel Logout 1.0 section 2.6). Raises LogoutRefused."""
    try:
        _check(str(header.get("typ", "")).lower().removeprefix("application/") == "logout+jwt", "typ")
        _check(claims.get("iss") == issuer, "iss")
        _check(_audience(claims.get("aud")) == [client_id], "aud")
        issued, expires = _moment(claims, "iat"), _moment(claims, "exp")
        _check(now < expires + LEEWAY and now - TOKEN_AGE <= issued <= now + LEEWAY, "iat")
        events = claims.get("events")
        _check(isinstance(events, dict) and isinstance(events.get(LOGOUT_EVENT), dict), "events")
        _check("nonce" not in claims, "nonce")
        return LogoutNotice(_text(claims, "sid"), _text(claims, "jti"), expires)
    except HomeAnswerRefused as error:
        raise LogoutRefused(error.details["claim"]) from None


def _check(holds: bool, claim: str) -> None:
    if not holds:
        raise HomeAnswerRefused(claim)


def _audience(claim: Any) -> Sequence[Any]:
    return claim if isinstance(claim, list) else [claim]


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    _check(isinstance(value, str) and is_plain(value), name)
    return str(value)


def _moment(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    _check(isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e11, name)
    return datetime.fromtimestamp(float(value or 0), UTC)
