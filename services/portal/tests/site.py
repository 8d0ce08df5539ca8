"""The portal as a test has it: on a real database, between a provider and a gateway of the test's own."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from chassis.clock import FixedClock, new_id
from chassis.sealed import FieldKeys
from joserfc.jwk import OKPKey
from portal.app import build
from portal.desk import Desk
from portal.settings import Settings
from starlette.applications import Starlette

from .fakes import GATEWAY, ISSUER, PORTAL, TestGateway, TestProvider

T = TypeVar("T")

DISTRICTS = [
    {"code": "320508", "name_zh": "姑苏区", "name_en": "Gusu, Suzhou", "portal": PORTAL, "issuer": ISSUER},
    {
        "code": "310101",
        "name_zh": "黄浦区",
        "name_en": "Huangpu, Shanghai",
        "portal": "https://portal.huangpu.test",
        "issuer": "https://identity.huangpu.test",
    },
    {"code": "330102", "name_zh": "上城区", "name_en": "Shangcheng, Hangzhou"},
]


@dataclass
class Site:
    """One portal and its neighbours."""

    app: Starlette
    provider: TestProvider
    gateway: TestGateway
    clock: FixedClock

    @property
    def desk(self) -> Desk:
        desk: Desk = self.app.state.desk
        return desk

    def browser(self, **headers: str) -> httpx.AsyncClient:
        """A browser of its own: it keeps cookies and follows redirects, also across hosts."""
        mounts: dict[str, Any] = {
            PORTAL: httpx.ASGITransport(self.app),
            ISSUER: httpx.ASGITransport(self.provider.app),
        }
        return httpx.AsyncClient(mounts=mounts, base_url=PORTAL, headers=headers, follow_redirects=True)

    def visit(self, journey: Callable[[httpx.AsyncClient], Awaitable[T]], *, signed_in: bool = True) -> T:
        """What `journey` makes of a browser of its own."""

        async def go() -> T:
            async with self.browser() as there:
                if signed_in:
                    assert (await there.get("/sign-in")).status_code == 200
                return await journey(there)

        return asyncio.run(go())


def a_site(folder: Path, database_url: str) -> Site:
    clock = FixedClock()
    key = OKPKey.generate_key("Ed25519", {"kid": "portal"}, private=True)
    (folder / "portal.jwk").write_text(json.dumps(key.as_dict(private=True)))
    (folder / "districts.json").write_text(json.dumps(DISTRICTS))
    provider, gateway = TestProvider(key, clock), TestGateway()
    settings = Settings(
        district="320508",
        database_url=database_url,
        field_key=FieldKeys.plain(b"k" * 32),
        portal_key=folder / "portal.jwk",
        portal_url=PORTAL,
        gateway_url=GATEWAY,
        issuer=ISSUER,
        districts=folder / "districts.json",
        listen_address="127.0.0.1:0",
        tls_certificate=folder / "-",
        tls_key=folder / "-",
        ca_file=folder / "-",
    )
    mounts: dict[str, Any] = {
        ISSUER: httpx.ASGITransport(provider.app),
        GATEWAY: httpx.ASGITransport(gateway.app),
    }
    app = build(settings, clock, new_id, httpx.AsyncClient(mounts=mounts, trust_env=False))
    return Site(app, provider, gateway, clock)


def field_in(page: httpx.Response, name: str) -> str:
    """The value of a hidden field, the first of that name."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, (name, page.text)
    return found[1]
