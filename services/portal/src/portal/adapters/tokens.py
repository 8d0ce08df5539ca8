"""Tokens that this district's identity signs, checked before a word of them is believed.

Only EdDSA, only identity's own published keys; what the token's header says of keys or algorithms changes nothing
(RFC 8725 sections 3.1, 3.2). Claims by OpenID Connect Core sections 3.1.3.6 and 3.1.3.7, logout tokens by OpenID Connect
Back-Channel Logout section 2.6.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jws import JWSAlgModel, JWSRegistry

LEEWAY_S = 10
#: A logout token is told at once; one older than this is none.
LOGOUT_LIFETIME_S = 300
_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class NotBelieved(Exception):
    """The token is not what it should be; the message says why, for the log."""


class _OnlyEdDSA(JWSRegistry):
    def get_alg(self, name: str) -> JWSAlgModel:
        if name != "EdDSA":
            raise NotBelieved("algorithm")
        return self.algorithms[name]


_REGISTRY = _OnlyEdDSA()


def key_id(token: str) -> str:
    """The key that the header names; believed in nothing else. Raises NotBelieved."""
    try:
        head = token.partition(".")[0]
        return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NotBelieved("header") from None


def id_token_claims(
    token: str, key: OKPKey, *, issuer: str, client_id: str, nonce: str | None, access_token: str, now: datetime
) -> dict[str, Any]:
    """The claims of an ID token. `nonce`: as this sign-in sent it; None at a renewal. Raises NotBelieved."""
    header, claims = _decoded(token, key)
    if str(header.get("typ", "JWT")).upper() != "JWT":
        raise NotBelieved("type")
    audience = _check_common(claims, issuer=issuer, client_id=client_id, now=now)
    if len(audience) > 1 and claims.get("azp") != client_id:
        raise NotBelieved("azp")
    if nonce is not None and not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise NotBelieved("nonce")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise NotBelieved("sub")
    if "at_hash" in claims and claims["at_hash"] != at_hash(access_token):
        raise NotBelieved("at_hash")
    return claims


def logout_claims(token: str, key: OKPKey, *, issuer: str, client_id: str, now: datetime) -> dict[str, Any]:
    """The claims of a logout token: `sid`, `sub`, or both. Raises NotBelieved."""
    header, claims = _decoded(token, key)
    if str(header.get("typ", "logout+jwt")).lower().removeprefix("application/") != "logout+jwt":
        raise NotBelieved("type")
    _check_common(claims, issuer=issuer, client_id=client_id, now=now)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(_LOGOUT_EVENT), dict):
        raise NotBelieved("events")
    if "nonce" in claims:
        raise NotBelieved("nonce")
    if _number(claims, "iat") < now.timestamp() - LOGOUT_LIFETIME_S:
        raise NotBelieved("iat")
    if not any(isinstance(claims.get(name), str) and claims[name] for name in ("sid", "sub")):
        raise NotBelieved("names nobody")
    return claims


def at_hash(access_token: str) -> str:
    """The left half of its SHA-512, which is what EdDSA with Ed25519 hashes with (RFC 8032 section 5.1)."""
    digest = hashlib.sha512(access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def _decoded(token: str, key: OKPKey) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        decoded = jwt.decode(token, key, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        raise NotBelieved("signature") from None
    return decoded.header, decoded.claims


def _check_common(claims: dict[str, Any], *, issuer: str, client_id: str, now: datetime) -> list[str]:
    if claims.get("iss") != issuer:
        raise NotBelieved("iss")
    audience = claims.get("aud")
    audience = [audience] if isinstance(audience, str) else audience
    if not isinstance(audience, list) or client_id not in audience:
        raise NotBelieved("aud")
    if not _number(claims, "iat") - LEEWAY_S <= now.timestamp() < _number(claims, "exp") + LEEWAY_S:
        raise NotBelieved("time")
    return audience


def _number(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise NotBelieved(name)
    return value
