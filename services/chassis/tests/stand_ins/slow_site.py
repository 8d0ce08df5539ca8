"""A web process that begins, and ends its one request, when a file in its folder says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chassis.edge import run
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route


@dataclass(frozen=True)
class Settings:
    folder: Path
    listen_address: str
    health_address: str
    tls_certificate: Path
    tls_key: Path
    service_name: str = "slow_site"
    district: str = "320508"
    otlp_endpoint: str = ""


def build(settings: Settings, *_: Any) -> Starlette:
    async def until(name: str) -> None:
        while not (settings.folder / name).exists():
            await asyncio.sleep(0.02)

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        await until("begin")
        yield

    async def slow(_: Request) -> Response:
        (settings.folder / "asked").touch()
        await until("answer")
        return PlainTextResponse("done")

    app = Starlette(routes=[Route("/slow", slow)], lifespan=life)
    app.state.checks = {"needed": lambda: True}
    return app


if __name__ == "__main__":
    raise SystemExit(run(Settings, build))
