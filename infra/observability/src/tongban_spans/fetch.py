"""Asks one district's trace source for a trace, be it this receiver or Grafana Tempo."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

LARGEST_ANSWER = 64 * 2**20


class RefusedError(Exception):
    """The district does not let this token read its spans."""


class AwayError(Exception):
    """The district's trace source does not answer, or not with a trace."""


def fetch_trace(
    base_url: str, trace_id: str, token: str, *, tls: ssl.SSLContext | None = None, timeout_s: float = 5.0
) -> dict[str, Any] | None:
    """The trace as the source holds it, None where it holds none. Raises RefusedError or AwayError."""
    request = urllib.request.Request(  # noqa: S310 -- the address comes from the district's own configuration
        f"{base_url.rstrip('/')}/api/traces/{trace_id}",
        headers={"authorization": f"Bearer {token}", "accept": "application/json"},
    )
    # No proxy: a trace source is in the district's own network, and the token must not go anywhere else.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls))
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            document = json.loads(answer.read(LARGEST_ANSWER))
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        if error.code in (401, 403):
            raise RefusedError(str(error.code)) from None
        raise AwayError(str(error.code)) from None
    except (OSError, ValueError) as error:
        raise AwayError(type(error).__name__) from error
    if not isinstance(document, dict):
        raise AwayError("not a trace")
    return document
