"""The gateway as an ASGI application: routes, guard and problems, put together; nothing connects before it starts."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from ssl import create_default_context

import httpx
from chassis.clock import Clock, NewId
from chassis.edge import BehindProxies, Rates, Room, envelope, running
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from joserfc.jwk import OKPKey

from gateway.adapters.bus import Bus
from gateway.adapters.sessions import EndedSessions
from gateway.adapters.tokens import Tokens
from gateway.adapters.traces import TraceSource
from gateway.guard import Guard
from gateway.refusals import Challenged, challenge
from gateway.routes import ROUTERS
from gateway.settings import Settings
from gateway.validation import invalid_request

HTTP_TIMEOUT_S = 3.0
#: Where people hand in files.
LARGE = re.compile("POST /v1/cases")


def routed() -> FastAPI:
    """Every route, with nothing behind it yet: what the document describes.

    Raises RuleMissingError where a route has no row in rules.py.
    """
    app = FastAPI(
        title="tongban",
        version="1",
        lifespan=_lifespan,
        openapi_url=None,  # served by a route of its own, so that the rules' table covers it
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in ROUTERS:
        app.include_router(router)
    return app


def build(settings: Settings, clock: Clock, new_id: NewId) -> FastAPI:
    """The application. Raises RuleMissingError."""
    app = routed()
    http = httpx.AsyncClient(
        verify=create_default_context(cafile=settings.ca_file), timeout=HTTP_TIMEOUT_S, trust_env=False
    )
    tokens = Tokens(settings.issuer, settings.district, settings.audience, http, clock)
    bus = Bus(
        settings.amqp_url,
        service=settings.service_name,
        clock=clock,
        new_id=new_id,
        timeout_s=settings.call_timeout_s,
        in_flight=settings.calls_in_flight,
    )
    rates = Rates(settings.rate_per_second, settings.rate_burst)
    app.state.settings, app.state.http, app.state.bus, app.state.tokens = settings, http, bus, tokens
    app.state.ended = EndedSessions(bus, clock)
    app.state.guard = Guard(
        tokens,
        app.state.ended,
        rates,
        edge_key=_edge_key(settings.edge_key),
        clock=clock,
        district=settings.district,
    )
    app.state.room = Room(LARGE)
    app.state.trace_source = TraceSource(settings.trace_source_url, settings.trace_source_token, http)
    app.state.checks = {"bus": lambda: bus.ready, "keys": lambda: tokens.ready}
    app.add_exception_handler(RequestValidationError, invalid_request)
    app.add_exception_handler(Challenged, challenge)
    envelope(app, large=LARGE)
    app.add_middleware(BehindProxies, trusted=settings.trusted_proxies)
    return app


def _edge_key(path: Path) -> OKPKey:
    """The key that signs assertions: a JWK, or the first of a JWKS."""
    found = json.loads(path.read_text())
    return OKPKey.import_key(found["keys"][0] if "keys" in found else found)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.bus.start()
    try:
        async with running(app.state.tokens.keep_fresh(), app.state.ended.keep_fresh()):
            yield
    finally:
        await app.state.bus.stop()
        await app.state.http.aclose()
