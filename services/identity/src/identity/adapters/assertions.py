"""What clients sign to prove who they are (RFC 7523), verified by their registered keys."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey, import_key

from identity.adapters.token_keys import algorithm_names
from identity.domain.errors import ClientRefused
from identity.domain.policies import ASSERTION_LIFETIME

_LEEWAY = timedelta(seconds=5)
_LONGEST, _LONGEST_JTI = 8192, 128
#: Stands in for the key of a client nobody knows, so that the refusal takes as long.
_NOBODY = json.dumps(OKPKey.generate_key("Ed25519", private=False).as_dict(private=False))


def claimed_client(assertion: str) -> str:
    """The client id that an assertion claims; nothing is checked yet. Raises ClientRefused."""
    try:
        if not 0 < len(assertion) <= _LONGEST:
            raise ClientRefused
        payload = assertion.split(".")[1]
        return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["iss"])
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        raise ClientRefused from None


def claimed_key(assertion: str) -> str:
    """The id of the key that an assertion claims to be signed with; nothing is checked yet. Raises ClientRefused."""
    try:
        header = assertion.split(".", maxsplit=1)[0]
        return str(json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))).get("kid", ""))
    except (ValueError, AttributeError, RecursionError):
        raise ClientRefused from None


def verify_assertion(
    assertion: str, client_id: str, keys: Sequence[str], *, audiences: Sequence[str], now: datetime
) -> tuple[str, datetime]:
    """The `jti` and expiry of a client's assertion (RFC 7523 section 3). Raises ClientRefused; takes as long without a key.

    A key verifies by its own algorithm and no other, whatever the header says (RFC 8725 section 3.1).
    """
    try:
        claims = _claims(assertion, keys or [_NOBODY])
        if not keys or claims["iss"] != client_id or claims["sub"] != client_id:
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


def _claims(assertion: str, keys: Sequence[str]) -> dict[str, Any]:
    """By whichever key fits: a party has two while it replaces one. Raises JoseError, ClientRefused."""
    for text in keys:
        key = import_key(json.loads(text))
        try:
            return jwt.decode(assertion, key, algorithms=algorithm_names(key)).claims
        except JoseError:
            continue
    raise ClientRefused
