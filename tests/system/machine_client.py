"""A machine in front of a district's public API: a kiosk or a partner, signed in by the key that only it has (RFC 7523)."""

from __future__ import annotations

import ssl
import time
from uuid import uuid4

import httpx
from joserfc import jwt
from joserfc.jwk import OKPKey
from tongban_local.installation import Installation

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_MARGIN_S = 60


class Machine:
    """A registered client of one district."""

    def __init__(self, place: Installation, client_id: str, key: OKPKey) -> None:
        self._place, self._client_id, self._key = place, client_id, key
        self._token, self._ends = "", 0.0

    def token(self) -> str:
        """An access token that is good for another minute at least."""
        if time.monotonic() > self._ends - _MARGIN_S:
            tls = ssl.create_default_context(cafile=str(self._place.authority))
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": _ASSERTION,
                "client_assertion": self._assertion(),
            }
            answer = httpx.post(
                f"{self._place.issuer}/token", data=form, verify=tls, trust_env=False
            ).raise_for_status()
            told = answer.json()
            self._token, self._ends = told["access_token"], time.monotonic() + told["expires_in"]
        return self._token

    def _assertion(self) -> str:
        claims = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": f"{self._place.issuer}/token",
            "jti": str(uuid4()),
            "exp": int(time.time()) + 60,
        }
        return jwt.encode({"alg": "EdDSA"}, claims, self._key, algorithms=["EdDSA"])


def public(key: OKPKey) -> dict[str, str]:
    """The part of the key that the world may see."""
    shown = key.as_dict(private=False)
    return {name: str(shown[name]) for name in ("kty", "crv", "x")}
