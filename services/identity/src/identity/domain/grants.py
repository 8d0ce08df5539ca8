"""What a relying party was given by somebody's sign-in, and how long it lasts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from identity.domain.model import Session

#: Of an authorization code; RFC 6749 section 4.1.2 allows ten minutes, a redirect needs seconds.
CODE_LIFETIME = timedelta(seconds=60)
#: How long a refresh token that was just replaced is good once more: for an answer that got lost, for a second tab.
REFRESH_GRACE = timedelta(seconds=30)


@dataclass(frozen=True)
class Grant:
    """One redirect back to one party: the code, and every token that came of it (RFC 9700 section 4.14: a family)."""

    id: str
    client_id: str
    #: The session it belongs to, and ends with.
    sid: str
    subject: str
    scope: str
    acr: str
    #: When the person proved who they are; kept by every refreshed ID token (OpenID Connect Core section 12.2).
    auth_time: datetime
    begun_at: datetime
    #: When the party redeemed the code, and so became a party of the session.
    redeemed_at: datetime | None = None
    ended_at: datetime | None = None
    #: How often its refresh token was replaced, and when last.
    generation: int = 0
    rotated_at: datetime | None = None

    def redeemed(self, now: datetime) -> Grant:
        return replace(self, redeemed_at=now)

    def ended(self, now: datetime) -> Grant:
        return replace(self, ended_at=self.ended_at or now)

    def rotated(self, now: datetime) -> Grant:
        return replace(self, generation=self.generation + 1, rotated_at=now)


@dataclass(frozen=True)
class Code:
    """What an authorization code was given for; kept under a hash of the code."""

    key: str
    redirect_uri: str
    #: base64url of the SHA-256 of the verifier (RFC 7636 section 4.2, S256).
    challenge: str
    nonce: str
    expires_at: datetime


class Refresh(Enum):
    """What presenting a refresh token means."""

    #: The newest: the next generation begins.
    NEXT = "next"
    #: The one just replaced: another of the newest generation is given.
    AGAIN = "again"
    #: An older one: somebody else has a copy.
    REUSED = "reused"


def judge_refresh(grant: Grant, generation: int, now: datetime) -> Refresh:
    """What a token of that generation means now.

    Whoever copied a token and whoever it was given to cannot both go on: tokens of one generation are replaced together,
    and the one that comes after the grace ends the grant (RFC 9700 section 4.14.2).
    """
    if generation == grant.generation:
        return Refresh.NEXT
    just_replaced = generation == grant.generation - 1 and grant.rotated_at is not None
    if just_replaced and grant.rotated_at is not None and now < grant.rotated_at + REFRESH_GRACE:
        return Refresh.AGAIN
    return Refresh.REUSED


def is_fresh_enough(session: Session, now: datetime, *, asked_at: datetime, login: bool, max_age: int | None) -> bool:
    """Whether this sign-in answers the request, or the person has to sign in (OpenID Connect Core section 3.1.2.1).

    `login`: a sign-in since the request was wanted. `max_age`: seconds since the sign-in, at most. One made since the
    request came answers both.
    """
    if session.signed_in_at >= asked_at:
        return True
    return not login and (max_age is None or now - session.signed_in_at <= timedelta(seconds=max_age))
