"""Spans of this district, asked of its trace source by trace id."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
from chassis.logs import get_logger

log = get_logger(__name__)


class TraceSource:
    """`GET {url}/api/traces/<id>` with a bearer token, as Grafana Tempo answers it; without a url there is nothing to ask."""

    def __init__(self, url: str, token: str, http: httpx.AsyncClient) -> None:
        self._url, self._http = url.rstrip("/"), http
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def batches(self, trace_ids: Sequence[str]) -> list[dict[str, Any]] | None:
        """The spans kept here of those traces, as OTLP JSON resource spans; None when the source is away or there is none."""
        if not self._url:
            return None
        try:
            found = await asyncio.gather(*(self._one(trace_id) for trace_id in trace_ids))
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            log.warning("the trace source did not answer", reason=type(error).__name__)
            return None
        return [batch for batches in found for batch in batches]

    async def _one(self, trace_id: str) -> list[dict[str, Any]]:
        answer = await self._http.get(f"{self._url}/api/traces/{trace_id}", headers=self._headers)
        if answer.status_code == 404:
            return []
        batches: list[dict[str, Any]] = answer.raise_for_status().json()["batches"]
        return batches
