"""This district's identity, to which the portal is a relying party (OpenID Connect Core; RFC 9700).

Code with PKCE (S256), `state`, `nonce`, and the answer's `iss` (RFC 9207); the portal shows who it is with a key of its own
(`private_key_jwt`, RFC 7523). Addresses and keys are fetched from the issuer and kept; a `kid` not among them makes us ask
again, at most every `REFETCH_S`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
from chassis.clock import Clock, NewId
from chassis.logs import get_logger
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from portal.adapters.tokens import NotBelieved, id_token_claims, key_id, logout_claims
from portal.errors import identity_away
from portal.model import Tokens

log = get_logger(__name__)

CLIENT_ID = "portal"
SCOPE = "openid profile offline_access api"
REFETCH_S = 5.0
ASSERTION_S = 60
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint")


class Refused(Exception):
    """Identity refused what we sent: `error` as OAuth names it (RFC 6749 section 5.2)."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True)
class SignedIn:
    """What a code was worth: the tokens, the ID token's claims, and what userinfo adds to them."""

    tokens: Tokens
    claims: Mapping[str, Any]


class Provider:
    """The relying party's side of one issuer."""

    def __init__(
        self, issuer: str, portal_url: str, *, key: OKPKey, http: httpx.AsyncClient, clock: Clock, new_id: NewId
    ) -> None:
        self.issuer, self._portal, self._key = issuer, portal_url, key
        self._http, self._clock, self._new_id = http, clock, new_id
        self._metadata: dict[str, Any] = {}
        self._keys: dict[str, OKPKey] = {}
        self._fetched_at = float("-inf")
        self._fetching = asyncio.Lock()

    # Addresses --------------------------------------------------------------------------------------------------------

    async def sign_in_url(self, *, state: str, nonce: str, verifier: str, more: Mapping[str, str]) -> str:
        """Where a browser goes to sign in; `more` are `prompt`, `home_district`, `ui_locales`. Raises Fault."""
        asked = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": f"{self._portal}/signed-in",
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
            **more,
        }
        return f"{await self._address('authorization_endpoint')}?{urlencode(asked)}"

    async def sign_out_url(self, id_token: str, state: str, language: str) -> str:
        """Where a browser goes so that the session at identity ends too. Raises Fault."""
        asked = {
            "id_token_hint": id_token,
            "client_id": CLIENT_ID,
            "post_logout_redirect_uri": f"{self._portal}/signed-out",
            "state": state,
            "ui_locales": language,
        }
        return f"{await self._address('end_session_endpoint')}?{urlencode(asked)}"

    # Tokens -----------------------------------------------------------------------------------------------------------

    async def redeem(self, code: str, *, verifier: str, nonce: str) -> SignedIn:
        """Code for tokens. Raises Refused, NotBelieved, Fault."""
        answer = await self._token(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": f"{self._portal}/signed-in",
                "code_verifier": verifier,
            }
        )
        tokens = self._tokens(answer, id_token=str(answer.get("id_token", "")), refresh="")
        claims = await self._believe(tokens, nonce)
        return SignedIn(tokens, {**await self._userinfo(tokens.access, claims["sub"]), **claims})

    async def renew(self, old: Tokens) -> SignedIn:
        """New tokens for those about to expire, and what they say; the refresh token changes with each.

        Raises Refused, NotBelieved, Fault.
        """
        answer = await self._token({"grant_type": "refresh_token", "refresh_token": old.refresh})
        tokens = self._tokens(answer, id_token=str(answer.get("id_token", "")), refresh=old.refresh)
        return SignedIn(tokens, await self._believe(tokens, None))

    async def told_logout(self, token: str) -> dict[str, Any]:
        """The claims of a logout token that somebody posted. Raises NotBelieved, Fault."""
        key = await self._key_of(token)
        return logout_claims(token, key, issuer=self.issuer, client_id=CLIENT_ID, now=self._clock.now())

    async def _believe(self, tokens: Tokens, nonce: str | None) -> dict[str, Any]:
        key = await self._key_of(tokens.id_token)
        return id_token_claims(
            tokens.id_token,
            key,
            issuer=self.issuer,
            client_id=CLIENT_ID,
            nonce=nonce,
            access_token=tokens.access,
            now=self._clock.now(),
        )

    def _tokens(self, answer: Mapping[str, Any], *, id_token: str, refresh: str) -> Tokens:
        access, lifetime = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(access, str) or not access or not isinstance(lifetime, int):
            raise NotBelieved("token answer")
        expires = self._clock.now() + timedelta(seconds=lifetime)
        return Tokens(access, str(answer.get("refresh_token") or refresh), id_token, expires)

    async def _token(self, fields: Mapping[str, str]) -> dict[str, Any]:
        url = await self._address("token_endpoint")
        shown = {
            "client_id": CLIENT_ID,
            "client_assertion_type": _ASSERTION,
            "client_assertion": self._assertion(self._clock.now()),
        }
        answer = await self._send("POST", url, data={**fields, **shown})
        if answer.status_code in (400, 401, 403):
            raise Refused(str(_object(answer).get("error", "refused")))
        return _object(answer, expected=200)

    async def _userinfo(self, access: str, subject: str) -> dict[str, Any]:
        url = await self._address("userinfo_endpoint")
        found = _object(await self._send("GET", url, headers={"Authorization": f"Bearer {access}"}), expected=200)
        if found.get("sub") != subject:  # OpenID Connect Core section 5.3.2
            raise NotBelieved("userinfo of somebody else")
        return found

    def _assertion(self, now: datetime) -> str:
        issued = int(now.timestamp())
        claims = {
            "iss": CLIENT_ID,
            "sub": CLIENT_ID,
            "aud": self.issuer,
            "jti": str(self._new_id()),
            "iat": issued,
            "exp": issued + ASSERTION_S,
        }
        return jwt.encode({"alg": "EdDSA", "kid": str(self._key.kid)}, claims, self._key, algorithms=["EdDSA"])

    # My sessions, which identity keeps --------------------------------------------------------------------------------

    async def sessions(self, access: str) -> list[dict[str, Any]]:
        """Where this person is signed in. Raises Refused, Fault."""
        answer = await self._send(
            "GET", f"{self.issuer}/account/sessions", headers={"Authorization": f"Bearer {access}"}
        )
        if answer.status_code in (401, 403):
            raise Refused("invalid_token")
        found = _object(answer, expected=200).get("sessions")
        return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []

    async def end_session(self, access: str, sid: str) -> None:
        """Ends one of them. Raises Refused, Fault."""
        url = f"{self.issuer}/account/sessions/{sid}/end"
        answer = await self._send("POST", url, headers={"Authorization": f"Bearer {access}"})
        if answer.status_code >= 500:
            raise identity_away()
        if answer.status_code >= 400:
            raise Refused("invalid_token" if answer.status_code == 401 else "unknown_session")

    # What the issuer publishes ----------------------------------------------------------------------------------------

    async def _address(self, name: str) -> str:
        if not self._metadata:
            await self._fetch()
        address = self._metadata.get(name)
        if not isinstance(address, str):
            raise identity_away()
        return address

    async def _key_of(self, token: str) -> OKPKey:
        kid = key_id(token)
        if kid not in self._keys:
            await self._fetch()
        if not self._keys:
            raise identity_away()
        if kid not in self._keys:
            raise NotBelieved("key")
        return self._keys[kid]

    async def _fetch(self) -> None:
        """Addresses and keys, unless that was tried a moment ago; what is known stays when they cannot be had."""
        async with self._fetching:
            now = asyncio.get_running_loop().time()
            if now - self._fetched_at < (REFETCH_S if self._keys else 0.5):
                return
            self._fetched_at = now
            try:
                answer = await self._http.get(f"{self.issuer}/.well-known/openid-configuration")
                metadata = answer.raise_for_status().json()
                if metadata["issuer"] != self.issuer:  # OpenID Connect Discovery section 4.3
                    raise ValueError("issuer")
                found = await self._http.get(metadata["jwks_uri"])
                keys = KeySet.import_key_set(found.raise_for_status().json()).keys
            except (httpx.HTTPError, ValueError, KeyError, TypeError, JoseError) as error:
                log.warning("identity does not say what it is", reason=type(error).__name__)
                return
            self._metadata = {name: metadata.get(name) for name in _ENDPOINTS}
            self._keys = {str(key.kid): key for key in keys if isinstance(key, OKPKey) and key.kid}

    async def _send(self, method: str, url: str, **more: Any) -> httpx.Response:
        try:
            return await self._http.request(method, url, **more)
        except httpx.HTTPError as error:
            log.warning("identity did not answer", reason=type(error).__name__)
            raise identity_away() from None


def challenge(verifier: str) -> str:
    """What a verifier is shown as before it is told (RFC 7636 section 4.2, S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _object(answer: httpx.Response, expected: int | None = None) -> dict[str, Any]:
    """The JSON object of an answer. Raises Fault where it is none, or has another status than `expected`."""
    try:
        found = answer.json()
    except ValueError:
        found = None
    if (expected is not None and answer.status_code != expected) or not isinstance(found, dict):
        log.warning("identity gave an answer that is none", status=answer.status_code)
        raise identity_away()
    return found
