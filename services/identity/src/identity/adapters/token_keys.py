"""Tokens of this district, signed with EdDSA (RFC 8037), and the verification of what clients sign."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chassis.clock import NewId
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jws import JWSAlgModel, JWSRegistry

from identity.domain.errors import ClientRefused
from identity.domain.model import Client
from identity.domain.policies import ASSERTION_LIFETIME

#: Life of an access token; who is shut out is out when it ends, at most.
TOKEN_LIFETIME = timedelta(minutes=10)
#: What a token from a session or for a client's key may be used for: every call at the gateway (RFC 9068 section 2.2.3).
GATEWAY_SCOPE = "api"
_LEEWAY = timedelta(seconds=5)
_LONGEST_JTI = 128


class _OnlyEdDSA(JWSRegistry):
    """One algorithm and no other, whatever a header says (RFC 8725 section 3.1)."""

    def get_alg(self, name: str) -> JWSAlgModel:
        if name != "EdDSA":
            raise ClientRefused
        return self.algorithms[name]


_REGISTRY = _OnlyEdDSA()
#: Stands in for the key of a client nobody knows, so that the refusal takes as long.
_NOBODY = OKPKey.generate_key("Ed25519", private=False)


def read_keys(path: Path) -> list[OKPKey]:
    """The keys of a JWK or JWKS file. Raises ValueError where one is no private Ed25519 key with a `kid`."""
    found = json.loads(path.read_text())
    keys = [OKPKey.import_key(key) for key in found.get("keys", [found])]
    if not keys or not all(key.is_private and key.kid for key in keys):
        raise ValueError(f"{path}: needs private Ed25519 keys, each with a kid")
    return keys


@dataclass(frozen=True)
class Holder:
    """Whom a token speaks for."""

    subject: str
    client_id: str
    roles: Sequence[str]
    #: How strongly identity was proven, and when; empty and None for a machine.
    acr: str = ""
    signed_in_at: datetime | None = None


class Signer:
    """Signs access tokens (RFC 9068) for this district's gateway, with the first of its keys."""

    def __init__(self, keys: Sequence[OKPKey], *, issuer: str, district: str, new_id: NewId) -> None:
        self._keys, self._issuer, self._district, self._new_id = list(keys), issuer, district, new_id

    @property
    def public(self) -> dict[str, Any]:
        """Every key's public half, as a JWKS."""
        return {"keys": [{**key.as_dict(private=False), "use": "sig", "alg": "EdDSA"} for key in self._keys]}

    def access_token(self, holder: Holder, now: datetime) -> str:
        issued = int(now.timestamp())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": f"tongban-gateway:{self._district}",
            "sub": holder.subject,
            "client_id": holder.client_id,
            "scope": GATEWAY_SCOPE,
            "iat": issued,
            "exp": issued + int(TOKEN_LIFETIME.total_seconds()),
            "jti": str(self._new_id()),
            "roles": sorted(holder.roles),
            "district": self._district,
        }
        if holder.acr:
            claims["acr"] = holder.acr
        if holder.signed_in_at is not None:
            claims["auth_time"] = int(holder.signed_in_at.timestamp())
        key = self._keys[0]
        return jwt.encode({"alg": "EdDSA", "kid": str(key.kid), "typ": "at+jwt"}, claims, key, registry=_REGISTRY)


def claimed_client(assertion: str) -> str:
    """The client id that an assertion claims; nothing is checked yet. Raises ClientRefused."""
    try:
        payload = assertion.split(".")[1]
        return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["iss"])
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        raise ClientRefused from None


def verify_assertion(
    assertion: str, client: Client | None, *, audiences: Sequence[str], now: datetime
) -> tuple[str, datetime]:
    """The `jti` and expiry of a client's assertion (RFC 7523 section 3). Raises ClientRefused; takes as long for nobody's."""
    key = OKPKey.import_key(json.loads(client.public_jwk)) if client else _NOBODY
    try:
        claims = jwt.decode(assertion, key, registry=_REGISTRY).claims
        if client is None or claims["iss"] != client.client_id or claims["sub"] != client.client_id:
            raise ClientRefused
        audience = claims["aud"]
        if not set(audiences) & set([audience] if isinstance(audience, str) else audience):
            raise ClientRefused
        jti, expires = claims["jti"], datetime.fromtimestamp(int(claims["exp"]), UTC)
        if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI or "\x00" in jti:
            raise ClientRefused
        if not now - _LEEWAY < expires <= now + ASSERTION_LIFETIME + _LEEWAY:
            raise ClientRefused
        if "nbf" in claims and datetime.fromtimestamp(int(claims["nbf"]), UTC) > now + _LEEWAY:
            raise ClientRefused
    except (JoseError, ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError):
        raise ClientRefused from None
    return jti, expires
