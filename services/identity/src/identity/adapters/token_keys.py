"""What this district signs: access tokens (RFC 9068), ID tokens and logout tokens (OpenID Connect), with keys of its own.

EdDSA (RFC 8037) is what everything is signed with, save the ID and logout tokens of a relying party that was registered
for another algorithm, because it knows no EdDSA.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from chassis.clock import NewId
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey, import_key

from identity.domain.errors import TokenRefused
from identity.domain.parties import FOR_THE_GATEWAY, RelyingParty

#: Of an assertion that says who we are; it is used at once.
CLIENT_ASSERTION_LIFETIME = timedelta(minutes=1)
#: Life of an access token; who is shut out is out when it ends, at most.
TOKEN_LIFETIME = timedelta(minutes=10)
#: Life of an ID token, and of a logout token, which is made anew for every try.
ID_TOKEN_LIFETIME = timedelta(minutes=10)
LOGOUT_TOKEN_LIFETIME = timedelta(minutes=2)
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"

Key = OKPKey | ECKey | RSAKey


def algorithm_of(key: object) -> str:
    """What a key signs or verifies with; "" where we take no such key."""
    match key:
        case OKPKey() if key.curve_name == "Ed25519":
            return "EdDSA"
        case ECKey() if key.curve_name == "P-256":
            return "ES256"
        case RSAKey() if key.public_key.key_size >= 2048:
            return "RS256"
    return ""


def algorithm_names(key: object) -> list[str]:
    """What a signature by that key may call its algorithm: EdDSA on Ed25519 has a name of its own since RFC 9864."""
    return {"": [], "EdDSA": ["EdDSA", "Ed25519"]}.get(name := algorithm_of(key), [name])


def read_keys(path: Path) -> list[Key]:
    """The keys of a JWK or JWKS file. Raises ValueError where one is none that signs here, or the first is no Ed25519 key."""
    found = json.loads(path.read_text())
    keys: list[Any] = [import_key(key) for key in found.get("keys", [found])]
    if not keys or not all(key.is_private and key.kid and algorithm_of(key) for key in keys):
        raise ValueError(f"{path}: needs private Ed25519 keys (P-256 and RSA behind them), each with a kid")
    if algorithm_of(keys[0]) != "EdDSA":
        raise ValueError(f"{path}: the private Ed25519 keys must come first")
    return keys


@dataclass(frozen=True)
class Holder:
    """Whom an access token speaks for."""

    subject: str
    client_id: str
    roles: Sequence[str]
    scope: str
    #: How strongly identity was proven, and when; empty and None for a machine.
    acr: str = ""
    signed_in_at: datetime | None = None
    #: The session, and what the relying party was given in it; empty where there is none.
    sid: str = ""
    grant: str = ""
    #: Division code of the home of a person of another district.
    home: str = ""
    #: Subject of the firm that the person chose to act for.
    acting_for: str = ""
    #: Where the session stands on another district's word: when that runs out, and the token with it.
    until: datetime | None = None


def seconds_of(holder: Holder, now: datetime) -> int:
    """How long an access token is good that is given now: never beyond what its session stands on."""
    lasts = min(now + TOKEN_LIFETIME, holder.until) if holder.until else now + TOKEN_LIFETIME
    return max(0, int(lasts.timestamp()) - int(now.timestamp()))


class Signer:
    """Signs with the first of its keys that has the algorithm; publishes all of them."""

    def __init__(self, keys: Sequence[Key], *, issuer: str, district: str, new_id: NewId) -> None:
        self._keys, self._issuer, self._district, self._new_id = list(keys), issuer, district, new_id
        self._first = {algorithm_of(key): key for key in reversed(self._keys)}

    @property
    def public(self) -> dict[str, Any]:
        """Every key's public half, as a JWKS."""
        return {"keys": [{**key.as_dict(private=False), "use": "sig", "alg": algorithm_of(key)} for key in self._keys]}

    @property
    def algorithms(self) -> list[str]:
        """Those it has a key for."""
        return [alg for alg in ("EdDSA", "ES256", "RS256") if alg in self._first]

    def access_token(self, holder: Holder, now: datetime) -> str:
        """For this issuer's own addresses, and for the gateway where the scope says so."""
        gateway = [f"tongban-gateway:{self._district}"] if set(holder.scope.split()) & FOR_THE_GATEWAY else []
        claims = {
            **self._common(holder.subject, [*gateway, self._issuer], now, timedelta(seconds=seconds_of(holder, now))),
            "client_id": holder.client_id,
            "scope": holder.scope,
            "roles": sorted(holder.roles),
            "district": self._district,
        }
        named = ("acr", "sid", "grant", "home", "acting_for")
        claims |= {name: getattr(holder, name) for name in named if getattr(holder, name)}
        if holder.signed_in_at is not None:
            claims["auth_time"] = int(holder.signed_in_at.timestamp())
        return self._signed("at+jwt", claims, "EdDSA")

    def id_token(self, party: RelyingParty, subject: str, access_token: str, now: datetime, **more: Any) -> str:
        """OpenID Connect Core section 2; `more` has auth_time, acr, sid and, the first time, the nonce."""
        claims = self._common(subject, party.client_id, now, ID_TOKEN_LIFETIME) | more
        return self._signed("JWT", claims | {"at_hash": half_hash(access_token, party.signed_with)}, party.signed_with)

    def logout_token(self, party: RelyingParty, subject: str, sid: str, now: datetime) -> str:
        """OpenID Connect Back-Channel Logout 1.0 section 2.4."""
        claims = self._common(subject, party.client_id, now, LOGOUT_TOKEN_LIFETIME)
        return self._signed("logout+jwt", claims | {"sid": sid, "events": {LOGOUT_EVENT: {}}}, party.signed_with)

    def client_assertion(self, client_id: str, audience: str, now: datetime) -> str:
        """Who we are to a provider at which we are `client_id` (RFC 7523 section 3)."""
        claims = self._common(client_id, audience, now, CLIENT_ASSERTION_LIFETIME) | {"iss": client_id}
        return self._signed("JWT", claims, "EdDSA")

    def believed(self, token: str, typ: str) -> Mapping[str, Any]:
        """The claims of a token of ours of that type; whether it expired is for the caller. Raises TokenRefused."""
        try:
            found = jwt.decode(token, KeySet([*self._keys]), algorithms=self.algorithms)
            if found.header.get("typ") != typ or found.claims["iss"] != self._issuer:
                raise TokenRefused
        except (JoseError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise TokenRefused from None
        return found.claims

    def _common(self, subject: str, audience: str | list[str], now: datetime, lifetime: timedelta) -> dict[str, Any]:
        issued = int(now.timestamp())
        return {
            "iss": self._issuer,
            "aud": audience,
            "sub": subject,
            "iat": issued,
            "exp": issued + int(lifetime.total_seconds()),
            "jti": str(self._new_id()),
        }

    def _signed(self, typ: str, claims: dict[str, Any], alg: str) -> str:
        key = self._first[alg]
        return jwt.encode({"alg": alg, "kid": str(key.kid), "typ": typ}, claims, key, algorithms=[alg])


def half_hash(text: str, alg: str) -> str:
    """The left half of a hash, as `at_hash` has it (OpenID Connect Core section 3.1.3.6): of what the signature hashes with."""
    digest = (hashlib.sha512 if alg == "EdDSA" else hashlib.sha256)(text.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
