"""The portal as an ASGI application, put together; nothing connects before it starts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ssl import create_default_context

import httpx
from chassis.clock import Clock, NewId
from chassis.edge import again, envelope, health_page, running
from chassis.health import Checks
from chassis.resealing import KeyGuard
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route

from portal.adapters.tables import SEALED
from portal.desk import Desk
from portal.desk import build as build_desk
from portal.forms import LARGE
from portal.refusals import refusal
from portal.routes import ROUTES
from portal.settings import Settings

#: Longer than the gateway lets a call take, so that its own answer is what a person is told.
HTTP_TIMEOUT_S = 8.0
FORGET_EVERY_S = 600.0


def build(settings: Settings, clock: Clock, new_id: NewId, http: httpx.AsyncClient | None = None) -> Starlette:
    """The application; `http` calls identity and the gateway. Raises ValueError where a file of the settings is wrong."""
    if http is None:
        verify = create_default_context(cafile=settings.ca_file)
        http = httpx.AsyncClient(verify=verify, timeout=HTTP_TIMEOUT_S, trust_env=False)
    desk = build_desk(settings, clock, new_id, http)
    checks: Checks = {"database": desk.database.ping}
    health = (Route(path, health_page(path, checks), methods=["GET"]) for path in ("/livez", "/readyz"))
    app = Starlette(routes=[*ROUTES, *health], lifespan=_lifespan)
    app.router.redirect_slashes = False
    app.state.desk, app.state.checks = desk, checks
    app.state.key_guard = KeyGuard(desk.database, settings.field_key, SEALED)
    app.add_middleware(GZipMiddleware, minimum_size=500)
    envelope(app, refusal, LARGE)
    return app


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    desk: Desk = app.state.desk

    async def forget() -> None:
        """Removes what is over."""
        await desk.within(lambda storage: storage.forget(desk.now()))

    try:
        async with running(again(forget, FORGET_EVERY_S, "nothing could be forgotten this time")):
            yield
    finally:
        await desk.http.aclose()
        desk.database.close()
