"""Identity's decisions, as pure functions."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from identity.domain.errors import InvalidClient, InvalidField, RoleNotForClients
from identity.domain.model import CLIENT_ROLES, Role, Session

#: How long a browser stays signed in, whatever it does.
SESSION_LIFETIME = timedelta(hours=8)
#: Longest life of a client assertion that is believed (RFC 7523 section 3 leaves the bound to us).
ASSERTION_LIFETIME = timedelta(minutes=5)

#: What somebody who works here may be.
STAFF_ROLES = frozenset(Role) - CLIENT_ROLES - {Role.CITIZEN}

_CLIENT_ID = re.compile(r"[a-z0-9._-]{3,64}")


def pairwise_subject(key: bytes, subject: str, district: str) -> str:
    """The name by which `district` knows this person: stable there, and of no use anywhere else.

    OpenID Connect Core 1.0 section 8.1, with a keyed hash in place of a salted one.
    """
    return hmac.new(key, f"{district}\x1f{subject}".encode(), hashlib.sha256).hexdigest()[:40]


def secret_key(secret: str) -> str:
    """What a cookie, a code or a refresh token is kept under: a hash, because its own value would be believed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def open_session(cookie: str, sid: str, subject: str, now: datetime) -> Session:
    return Session(secret_key(cookie), sid, subject, now, now + SESSION_LIFETIME)


def check_client_id(client_id: str) -> None:
    """Raises InvalidClient."""
    if not _CLIENT_ID.fullmatch(client_id):
        raise InvalidClient("client_id", "must be 3 to 64 characters of a-z 0-9 . _ -")


def client_roles(names: Iterable[str]) -> frozenset[Role]:
    """The roles of those names. Raises RoleNotForClients for a person's role, an unknown one, or none at all."""
    wanted, allowed = set(names), {role.value for role in CLIENT_ROLES}
    if not wanted or not wanted <= allowed:
        raise RoleNotForClients(", ".join(sorted(allowed)))
    return frozenset(Role(name) for name in wanted)


def staff_roles(names: Iterable[str]) -> frozenset[Role]:
    """The roles of those names. Raises InvalidField for a citizen's or a machine's role, an unknown one, or none at all."""
    wanted, allowed = set(names), {role.value for role in STAFF_ROLES}
    if not wanted or not wanted <= allowed:
        known = ", ".join(sorted(allowed))
        raise InvalidField("role", f"must be one of {known}", f"角色须为以下之一：{known}")
    return frozenset(Role(name) for name in wanted)
