"""Access tokens (RFC 9068) checked against the keys that this district's identity publishes.

Keys are fetched over HTTPS from the issuer and kept; a `kid` not among them makes us ask again, at most every
`REFETCH_S`, and `keep_fresh` asks now and then, so that a withdrawn key goes. Only EdDSA, only our issuer, only this
gateway as audience; a header that brings its own key, or asks for an extension, is refused.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import httpx
from chassis.assertion import Actor
from chassis.clock import Clock
from chassis.edge import again
from chassis.errors import Fault, Kind
from chassis.logs import get_logger
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey
from joserfc.jws import JWSAlgModel, JWSRegistry

from gateway.refusals import refused

log = get_logger(__name__)

REFETCH_S = 5.0
FIRST_FETCH_S = 0.5
FRESH_S = 300.0
LEEWAY_S = 5
#: Longest life that is believed, whatever a token says; identity's live ten minutes.
LONGEST_LIFE_S = 900
#: Longer things are not looked at.
LONGEST_TOKEN = 8192
_REMEMBERED = 10_000
_TEXTS = ("sub", "client_id", "district")
#: What a header may not hold: keys of its own (RFC 8725 section 3.10), extensions, another form of the payload.
_UNWANTED = frozenset({"jwk", "jku", "x5c", "x5u", "crit", "b64", "zip"})
_DIVISION = re.compile(r"[0-9]{6}")


class _OnlyEdDSA(JWSRegistry):
    """One algorithm and no other, whatever the token's header says (RFC 8725 section 3.1)."""

    def get_alg(self, name: str) -> JWSAlgModel:
        if name != "EdDSA":
            raise refused("its algorithm is not allowed")
        return self.algorithms[name]


_REGISTRY = _OnlyEdDSA()


@dataclass(frozen=True, slots=True)
class Checked:
    """Who a token speaks for, what it may be used for, and until when (Unix seconds)."""

    actor: Actor
    expires: int
    scopes: frozenset[str]
    #: The session it was given in; empty for a machine.
    session: str = ""


class Tokens:
    """Checks tokens of one issuer for one audience; a token's signature is checked once and remembered until it expires."""

    def __init__(self, issuer: str, district: str, audience: str, http: httpx.AsyncClient, clock: Clock) -> None:
        self._issuer, self._district, self._audience = issuer.rstrip("/"), district, audience
        self._http, self._clock = http, clock
        self._keys: dict[str, OKPKey] = {}
        self._seen: dict[bytes, Checked] = {}
        self._fetched_at = float("-inf")
        self._fetching = asyncio.Lock()

    @property
    def ready(self) -> bool:
        """Whether any key is known."""
        return bool(self._keys)

    async def check(self, token: str) -> Checked:
        """Whom `token` speaks for. Raises Fault `token.refused` or `token.keys_unavailable`."""
        if len(token) > LONGEST_TOKEN:
            raise refused("it is too long")
        digest, now = sha256(token.encode()).digest(), self._clock.now().timestamp()
        known = self._seen.get(digest)
        if known is None:
            known = await self._read(token, now)
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
            self._seen[digest] = known
        if now >= known.expires + LEEWAY_S:
            self._seen.pop(digest, None)
            raise refused("it has expired")
        return known

    async def keep_fresh(self) -> None:
        """Fetches the keys until the first time it works, and from then on every `FRESH_S`; ends when cancelled."""
        said = "identity's keys could not be fetched"
        await again(self.fetch, lambda: FRESH_S if self._keys else FIRST_FETCH_S, said)

    async def fetch(self) -> None:
        """Gets the issuer's keys, unless that was tried a moment ago; what is known stays when they cannot be had."""
        async with self._fetching:
            now = asyncio.get_running_loop().time()
            if now - self._fetched_at < (REFETCH_S if self._keys else FIRST_FETCH_S):
                return
            self._fetched_at = now
            try:
                answer = await self._http.get(f"{self._issuer}/jwks.json")
                keys = KeySet.import_key_set(answer.raise_for_status().json()).keys
            except (httpx.HTTPError, ValueError, KeyError, TypeError, JoseError) as error:
                log.warning("identity's keys could not be fetched", reason=type(error).__name__)
                return
            found = {str(key.kid): key for key in keys if isinstance(key, OKPKey) and key.kid}
            if found.keys() != self._keys.keys():
                self._seen.clear()  # a key that was withdrawn takes its tokens with it
            self._keys = found

    async def _read(self, token: str, now: float) -> Checked:
        try:
            kid = _kid(token)
            if kid not in self._keys:
                await self.fetch()
            if not self._keys:
                raise Fault(
                    "token.keys_unavailable", Kind.UNAVAILABLE, "Identity's keys cannot be had now; try again shortly."
                )
            if kid not in self._keys:
                raise refused("its key is not one of this district's")
            decoded = jwt.decode(token, self._keys[kid], registry=_REGISTRY)
            return self._believed(decoded.header, decoded.claims, now)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise refused("it cannot be read") from error

    def _believed(self, header: dict[str, Any], claims: dict[str, Any], now: float) -> Checked:
        if not _UNWANTED.isdisjoint(header):
            raise refused("its header brings more than the name of a key")
        if str(header.get("typ", "")).lower().removeprefix("application/") != "at+jwt":
            raise refused("it is not an access token")
        audience = claims["aud"]
        if claims["iss"] != self._issuer or self._audience not in (
            [audience] if isinstance(audience, str) else audience
        ):
            raise refused("it was made by or for someone else")
        expires = _lifetime(claims, now)
        scope, session = claims["scope"], claims.get("sid", "")
        if not isinstance(scope, str) or not isinstance(session, str) or ("sid" in claims and not session):
            raise refused("it does not say what it is for")
        return Checked(self._actor(claims), expires, frozenset(scope.split()), session)

    def _actor(self, claims: dict[str, Any]) -> Actor:
        texts = {name: claims[name] for name in _TEXTS}
        texts |= {name: claims.get(name, "") for name in ("acr", "home", "acting_for")}
        roles = claims["roles"]
        if not all(isinstance(text, str) and text.isprintable() for text in texts.values()):
            raise refused("it does not say who")
        if not all(texts[name] for name in _TEXTS) or not _is_names(roles):
            raise refused("it does not say who")
        if texts["district"] != self._district or not self._is_named_by_home(texts["sub"], texts["home"]):
            raise refused("it was made for another district")
        return Actor(
            texts["sub"],
            texts["home"] or texts["district"],
            frozenset(roles),
            texts["acr"],
            texts["client_id"],
            acting_for=texts["acting_for"],
        )

    def _is_named_by_home(self, subject: str, home: str) -> bool:
        """A visitor is named `<home>:<subject>`, one of our own never: so no district can name another's people."""
        prefix, colon, _ = subject.partition(":")
        if not home:
            return not (colon and _DIVISION.fullmatch(prefix))
        return bool(_DIVISION.fullmatch(home)) and home != self._district and prefix == home and bool(colon)


def _lifetime(claims: dict[str, Any], now: float) -> int:
    """When it expires. Raises Fault where it is not valid now."""
    issued, expires = _second(claims["iat"]), _second(claims["exp"])
    begins = max(issued, _second(claims.get("nbf", issued)))
    if not begins - LEEWAY_S <= now < expires + LEEWAY_S or expires - issued > LONGEST_LIFE_S:
        raise refused("it is not valid now")
    return expires


def _second(claim: object) -> int:
    """A NumericDate (RFC 7519 section 2). Raises TypeError for what only looks like one, OverflowError for infinity."""
    if isinstance(claim, bool) or not isinstance(claim, int | float):
        raise TypeError("no number")
    return int(claim)


def _is_names(roles: object) -> bool:
    return isinstance(roles, list) and all(isinstance(role, str) for role in roles)


def _kid(token: str) -> str:
    """The key that the header names; read before the signature is checked, so believed in nothing else."""
    head = token.partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])
