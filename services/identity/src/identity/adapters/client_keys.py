"""Clients' public keys: Ed25519 as JSON Web Keys (RFC 8037)."""

from __future__ import annotations

import json

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from identity.domain.errors import InvalidClient

_LONGEST = 2048
_WRONG = "must be an Ed25519 public key as a JSON Web Key, without its private part"


def canonical_key(text: str) -> str:
    """The key as canonical JSON of its required members (RFC 7638 section 3). Raises InvalidClient."""
    try:
        if len(text) > _LONGEST:
            raise ValueError
        given = json.loads(text)
        if not isinstance(given, dict) or "d" in given or given.get("crv") != "Ed25519":
            raise ValueError
        key = OKPKey.import_key({name: given[name] for name in ("crv", "kty", "x")}).as_dict(private=False)
    except (ValueError, KeyError, TypeError, RecursionError, JoseError):
        raise InvalidClient("public_jwk", _WRONG) from None
    return json.dumps({name: key[name] for name in ("crv", "kty", "x")}, separators=(",", ":"), sort_keys=True)
