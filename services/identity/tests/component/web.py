"""The web process as its users see it: browsers of their own, and what they send."""

from __future__ import annotations

import asyncio
import base64
import re

import httpx
from identity.http.app import build
from joserfc.jwk import OKPKey

from ..factories import PASSWORD

ISSUER = "https://127.20.9.1:20443"
FIELD_KEY = base64.b64encode(b"k" * 32).decode()
PROGRAM = {"Tongban-CSRF": "1"}
#: Of the client kiosk-1.
KIOSK_KEY = OKPKey.generate_key("Ed25519", private=True)


def browser(parts, **headers) -> httpx.AsyncClient:
    """A browser of its own: it keeps cookies as they say."""
    transport = httpx.ASGITransport(build(parts), raise_app_exceptions=True)
    return httpx.AsyncClient(transport=transport, base_url=ISSUER, headers={"Accept": "text/html", **headers})


def token_in(page: httpx.Response) -> str:
    return re.search(r'name="form_token" value="([0-9a-f]{64})"', page.text)[1]


async def sign_in(there, login="citizen", password=PASSWORD, **more) -> httpx.Response:
    fields = {"form_token": token_in(await there.get("/sign-in")), "login": login, "password": password} | more
    return await there.post("/sign-in", data=fields)


def run(journey):
    return asyncio.run(journey)
