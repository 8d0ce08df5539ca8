"""The person acted for, as a short-lived token that the edge signs and every service verifies.

A JWT (RFC 7519) signed with EdDSA (RFC 8037): issuer `edge:<district>`, audience the district, at most a few minutes
long. It says who the person is, what they may be here, and how strongly that was proven; nothing else is believed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from chassis.clock import Clock
from chassis.errors import Fault, Kind

ALGORITHM = "EdDSA"
#: Seconds by which clocks inside one district may differ.
LEEWAY_S = 5
#: Longest life that a service believes, whatever the token says.
MAX_LIFETIME_S = 300
_HEADERS = frozenset({"alg", "kid", "typ"})


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, or a machine client, on whose behalf a call is made."""

    subject: str
    #: Division code of the district that knows this person: another than this one for a visitor.
    district: str
    roles: frozenset[str]
    #: How strongly identity was proven (OpenID Connect Core 2); never upgraded on the way.
    acr: str
    #: The client they came through: portal, kiosk, partner.
    client_id: str
    name: str = field(default="", repr=False)
    #: Subject of the firm that a handler acts for; empty where they act for themselves.
    acting_for: str = ""

    def has_any(self, roles: Iterable[str]) -> bool:
        """Whether they hold at least one of `roles`."""
        return not self.roles.isdisjoint(roles)


def bad_assertion(why: str) -> Fault:
    return Fault("rpc.bad_assertion", Kind.UNAUTHENTICATED, f"The assertion is not acceptable: {why}. Sign in again.")


class EdgeKeys:
    """The edge's public keys from a JWKS file, read again when a key turns up that is not in it yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._keys: dict[str, OKPKey] = {}

    def find(self, key_id: str) -> OKPKey | None:
        """The key named `key_id`, or None."""
        if key_id not in self._keys:
            self._read()
        return self._keys.get(key_id)

    def _read(self) -> None:
        try:
            stat = self._path.stat()
            if (stamp := (stat.st_mtime_ns, stat.st_ino)) == self._stamp:
                return  # unknown key ids must not cost a read each
            found = KeySet.import_key_set(json.loads(self._path.read_text())).keys
        except (OSError, ValueError, JoseError):
            return  # a half-written or missing file: what is known stays, the unknown is refused
        self._keys = {str(key.kid): key for key in found if isinstance(key, OKPKey)}
        self._stamp = stamp


def sign_assertion(actor: Actor, key: OKPKey, *, clock: Clock, audience: str, lifetime_s: int = 60) -> str:
    """The token for `actor`, signed by the edge of district `audience`; `key` has a `kid`."""
    now = int(clock.now().timestamp())
    claims: dict[str, Any] = {
        "iss": f"edge:{audience}",
        "aud": audience,
        "iat": now,
        "exp": now + lifetime_s,
        "sub": actor.subject,
        "district": actor.district,
        "roles": sorted(actor.roles),
        "acr": actor.acr,
        "client_id": actor.client_id,
        "name": actor.name,
    }
    if actor.acting_for:
        claims["acting_for"] = actor.acting_for
    return jwt.encode({"alg": ALGORITHM, "kid": str(key.kid)}, claims, key, algorithms=[ALGORITHM])


def verify_assertion(token: str, keys: EdgeKeys, *, clock: Clock, district: str) -> Actor:
    """The person in `token`. Raises Fault `rpc.bad_assertion` (unauthenticated) and nothing else."""
    return _verify(token, keys, clock.now(), district)[0]


def _verify(token: str, keys: EdgeKeys, now: datetime, district: str) -> tuple[Actor, int]:
    try:
        claims = jwt.decode(token, lambda signed: _key_of(signed.headers(), keys), algorithms=[ALGORITHM]).claims
        return _actor_of(claims, now, district), int(claims["exp"])
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise bad_assertion(type(error).__name__) from error


def _key_of(header: dict[str, Any], keys: EdgeKeys) -> OKPKey:
    if not header.keys() <= _HEADERS:  # a key of its own (RFC 8725 section 3.10), or something we might misread (crit)
        raise bad_assertion("its header says more than it may")
    if str(header.get("typ", "JWT")).upper() != "JWT":  # an access token, an ID token …: RFC 8725 section 3.11
        raise bad_assertion("it is a token of another kind")
    key = keys.find(str(header.get("kid", "")))
    if key is None:
        raise bad_assertion("its key is not one of this district's edge")
    return key


def _actor_of(claims: dict[str, Any], now: datetime, district: str) -> Actor:
    if claims.get("iss") != f"edge:{district}" or claims.get("aud") != district:
        raise bad_assertion("it was made for another district")
    issued, expires, moment = _second(claims["iat"]), _second(claims["exp"]), now.timestamp()
    begins = max(issued, _second(claims.get("nbf", issued)))
    if not begins - LEEWAY_S <= moment < expires + LEEWAY_S:
        raise bad_assertion("it is not valid now")
    if expires - issued > MAX_LIFETIME_S:
        raise bad_assertion("it lives too long")
    roles = claims["roles"]
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise bad_assertion("its roles are not a list of names")
    texts = {name: claims[name] for name in ("sub", "district", "acr", "client_id")}
    if not all(isinstance(value, str) for value in texts.values()) or not texts["sub"]:
        raise bad_assertion("it does not say who")
    more = {name: claims.get(name, "") for name in ("name", "acting_for")}
    if not all(isinstance(value, str) for value in more.values()):
        raise bad_assertion("it does not say who")
    return Actor(texts["sub"], texts["district"], frozenset(roles), texts["acr"], texts["client_id"], **more)


def _second(claim: object) -> int:
    """A NumericDate (RFC 7519 section 2). Raises TypeError for what only looks like one, OverflowError for infinity."""
    if isinstance(claim, bool) or not isinstance(claim, int | float):
        raise TypeError("no number")
    return int(claim)


class AssertionVerifier:
    """Verifies assertions, each token's signature once: a person's token comes with every call of a burst."""

    def __init__(self, keys: EdgeKeys, clock: Clock, district: str, remembered: int = 1024) -> None:
        self._keys, self._clock, self._district, self._limit = keys, clock, district, remembered
        self._seen: dict[str, tuple[Actor, int]] = {}

    def verify(self, token: str) -> Actor:
        """The person in `token`. Raises Fault `rpc.bad_assertion`."""
        now = self._clock.now()
        known = self._seen.get(token)
        if known is None:
            known = _verify(token, self._keys, now, self._district)
            if len(self._seen) >= self._limit:
                self._seen.clear()
            self._seen[token] = known
        actor, expires = known
        if now.timestamp() >= expires + LEEWAY_S:
            del self._seen[token]
            raise bad_assertion("it is not valid now")
        return actor
