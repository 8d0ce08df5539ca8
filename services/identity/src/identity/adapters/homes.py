"""Other districts' providers over HTTPS: what they say of themselves, their keys, and what they answer for a code or a refresh token.

Whom to ask stands in the signed registry; every address that a provider names must lie at its own issuer, so that none can send us
anywhere else. Answers are read up to a limit, and redirects are not followed.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import httpx
from chassis.logs import get_logger

from identity.domain.errors import HomeAnswerRefused, HomeAway, HomeRefused
from identity.domain.registry import District

log = get_logger(__name__)

METADATA_PATH = "/.well-known/openid-configuration"
#: Seconds that metadata is used before it is asked for again: so short, because whoever answers can be redirected to, and a
#: browser that is sent to a home which is away stands before an error that no page of ours explains.
METADATA_S = 15.0
#: The same of keys.
KEYS_S = 300.0
#: Seconds between two questions for keys because of a key id that nobody knows.
KEYS_PAUSE_S = 5.0
TIMEOUT = httpx.Timeout(5.0, connect=2.0)
LONGEST_ANSWER = 256 * 1024
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")


@dataclass(frozen=True)
class Provider:
    """What a district's provider says of itself (OpenID Connect Discovery 1.0 section 3), as far as it is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str


@dataclass
class _Known:
    provider: Provider | None = None
    provider_until: float = 0.0
    keys: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    keys_at: float = -1e9


class Homes:
    """Asks them, and remembers what they say of themselves for a while."""

    def __init__(self, authority: Path, now: Callable[[], float] = time.monotonic) -> None:
        """`authority`: certificates that peers' are signed by, PEM."""
        self._authority = authority
        self._now = now
        self._known: dict[str, _Known] = {}
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()

    async def provider(self, district: District) -> Provider:
        """Raises HomeAway, HomeAnswerRefused."""
        known = self._of(district.issuer)
        if known.provider is None or self._now() >= known.provider_until:
            told = await self._get(district.issuer + METADATA_PATH)
            known.provider, known.provider_until = _provider(district.issuer, told), self._now() + METADATA_S
        return known.provider

    async def key(self, district: District, kid: str) -> Mapping[str, Any] | None:
        """The public key of that id, as a JWK; None where the provider publishes none. Raises HomeAway, HomeAnswerRefused."""
        known, now = self._of(district.issuer), self._now()
        age = now - known.keys_at
        if age >= KEYS_S or (kid not in known.keys and age >= KEYS_PAUSE_S):
            found = await self._get((await self.provider(district)).jwks_uri)
            known.keys, known.keys_at = _keys(found), now
        return known.keys.get(kid)

    def known_keys(self, district: District) -> list[Mapping[str, Any]]:
        """The keys that were read last; nothing is asked."""
        return list(self._of(district.issuer).keys.values())

    async def tokens(self, provider: Provider, fields: Mapping[str, str]) -> Mapping[str, Any]:
        """What the token endpoint answers. Raises HomeRefused where it gives nothing for this, HomeAway, HomeAnswerRefused."""
        answer = await self._ask("POST", provider.token_endpoint, data=dict(fields))
        told = _object(answer)
        if answer.status_code == 200:
            return told
        error = told.get("error")
        if answer.status_code == 400 and error in ("invalid_grant", "unauthorized_client", "access_denied"):
            raise HomeRefused
        log.warning(
            "a home's token endpoint refused us",
            issuer=provider.issuer,
            status=answer.status_code,
            error=str(error)[:64],
        )
        raise HomeAway

    async def userinfo(self, provider: Provider, access_token: str) -> Mapping[str, Any]:
        """Raises HomeAway, HomeAnswerRefused."""
        return await self._get(provider.userinfo_endpoint, {"Authorization": f"Bearer {access_token}"})

    async def close(self) -> None:
        for client in list(self._clients.values()):
            await client.aclose()

    def _of(self, issuer: str) -> _Known:
        return self._known.setdefault(issuer, _Known())

    async def _get(self, url: str, headers: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        answer = await self._ask("GET", url, headers=dict(headers or {}))
        if answer.status_code != 200:
            raise HomeAway
        return _object(answer)

    async def _ask(self, method: str, url: str, **more: Any) -> httpx.Response:
        loop = asyncio.get_running_loop()
        if (client := self._clients.get(loop)) is None:
            client = self._clients[loop] = httpx.AsyncClient(
                verify=ssl.create_default_context(cafile=str(self._authority)),
                timeout=TIMEOUT,
                # One that hangs takes no connection from another; how many each is asked at once, those who ask say.
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
                follow_redirects=False,
                trust_env=False,
            )
        try:
            async with (
                asyncio.timeout(2 * TIMEOUT.read if TIMEOUT.read else None),
                client.stream(method, url, **more) as answer,
            ):
                size = 0
                parts = []
                async for part in answer.aiter_bytes():
                    size += len(part)
                    if size > LONGEST_ANSWER:
                        raise HomeAnswerRefused("size")
                    parts.append(part)
                return httpx.Response(answer.status_code, headers=answer.headers, content=b"".join(parts))
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            log.warning("a home cannot be reached", url=url.partition("?")[0], reason=type(error).__name__)
            raise HomeAway from None


def _object(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        told = json.loads(answer.content)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise HomeAnswerRefused("json") if answer.status_code == 200 else HomeAway
    return told


def _provider(issuer: str, told: Mapping[str, Any]) -> Provider:
    """Raises HomeAnswerRefused unless it is the issuer's own, every address at that issuer (RFC 8414 section 3.3)."""
    if told.get("issuer") != issuer:
        raise HomeAnswerRefused("issuer")
    for name in _ENDPOINTS:
        if not str(told.get(name, "")).startswith(f"{issuer}/"):
            raise HomeAnswerRefused(name)
    return Provider(issuer, *(str(told[name]) for name in _ENDPOINTS))


def _keys(told: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    rows = told.get("keys")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise HomeAnswerRefused("keys")
    fit = [row for row in rows if isinstance(row.get("kid"), str) and row.get("use", "sig") == "sig" and "d" not in row]
    return {row["kid"]: row for row in fit[:50]}
