"""Who is signed in, and with what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

#: However often it is used, a session ends then, as identity's does.
SESSION_LIFETIME = timedelta(hours=8)
#: A token with less left is renewed before it is used.
RENEW_BEFORE = timedelta(seconds=60)
#: Whoever renews has this long until somebody else may; longer than identity may take to answer.
CLAIM_LIFETIME = timedelta(seconds=10)


@dataclass(frozen=True)
class Person:
    """Whom identity vouches for; `name` is masked, `home` the division code of another district or ""."""

    subject: str
    name: str
    roles: frozenset[str]
    home: str = ""
    acr: str = ""
    #: The firm that they act for in this session: its subject, and its name ("" where they may not any more); "": themself.
    acting_for: str = ""
    acting_for_name: str = ""

    @property
    def is_citizen(self) -> bool:
        return "citizen" in self.roles

    @property
    def is_clerk(self) -> bool:
        return "clerk" in self.roles


@dataclass(frozen=True, repr=False)
class Tokens:
    """What identity gave us for one person; `expires_at` is the access token's."""

    access: str
    refresh: str
    id_token: str
    expires_at: datetime


@dataclass(frozen=True)
class Session:
    """A signed-in browser, by a hash of its cookie; `sid` names the session at identity."""

    key: str
    sid: str
    person: Person
    tokens: Tokens
    expires_at: datetime
