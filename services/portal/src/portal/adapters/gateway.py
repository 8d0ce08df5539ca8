"""This district's public API, called as the person who is signed in.

An answer that is a problem (RFC 9457) is raised as the Fault it tells, with the gateway's own code and sentence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from chassis.edge import STATUS
from chassis.errors import Fault, Kind
from chassis.logs import get_logger
from chassis.telemetry import inject

from portal.errors import gateway_away

log = get_logger(__name__)

_KINDS = {int(status): kind for kind, status in STATUS.items()} | {
    400: Kind.INVALID,
    412: Kind.CONFLICT,
    503: Kind.UNAVAILABLE,
}
#: How strongly the person has to be proven, as the challenge says it (RFC 9470 section 3).
_ACR_WANTED = re.compile(r'acr_values="(L[2-5])"')
STALE = "case_routing.version_conflict"


@dataclass(frozen=True)
class Attachment:
    """A file as the API gives it out: octets, and the headers that say what it is."""

    content: bytes
    headers: Mapping[str, str]


class Gateway:
    """The API at one base URL."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self._url, self._http = url.rstrip("/"), http

    async def get(self, token: str, path: str, **params: str | int) -> dict[str, Any]:
        """Raises Fault."""
        return await self._call("GET", token, path, params={k: v for k, v in params.items() if v != ""})

    async def post(
        self, token: str, path: str, body: Mapping[str, Any] | None = None, *, key: str = "", version: str = ""
    ) -> dict[str, Any]:
        """`key` makes a repeated request act once, `version` is what the person saw. Raises Fault."""
        headers = {"Idempotency-Key": key} if key else {}
        if version:
            headers["If-Match"] = f'"{version}"'
        return await self._call("POST", token, path, headers=headers, **({} if body is None else {"json": body}))

    async def attachment(self, token: str, path: str) -> Attachment:
        """A file. Raises Fault."""
        answer = await self._answer("GET", token, path)
        if not answer.is_success:
            _told(answer)
        return Attachment(answer.content, answer.headers)

    async def _call(self, method: str, token: str, path: str, **more: Any) -> dict[str, Any]:
        return _told(await self._answer(method, token, path, **more))

    async def _answer(self, method: str, token: str, path: str, **more: Any) -> httpx.Response:
        headers: dict[str, Any] = {**more.pop("headers", {})}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        inject(headers)
        try:
            return await self._http.request(method, self._url + path, headers=headers, **more)
        except httpx.HTTPError as error:
            log.warning("the gateway did not answer", reason=type(error).__name__)
            raise gateway_away() from None


def _told(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        log.warning("the gateway gave an answer that is none", status=answer.status_code)
        raise gateway_away()
    if answer.is_success:
        return found
    kind = _KINDS.get(answer.status_code, Kind.INTERNAL)
    details = found.get("details")
    told = {str(k): str(v) for k, v in details.items()} if isinstance(details, dict) else {}
    if wanted := _ACR_WANTED.search(answer.headers.get("www-authenticate", "")):
        told["acr"] = wanted[1]
    raise Fault(str(found.get("code", "internal")), kind, str(found.get("detail", "")), told)
