"""A web process: an application served over HTTPS until SIGTERM, with the health pages beside it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol as Shape
from typing import TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from chassis import health, logs, telemetry
from chassis.clock import Clock, NewId, SystemClock, new_id
from chassis.edge.protocol import Protocol
from chassis.errors import fault_of
from chassis.settings import SettingsError, read_settings


class WebSettings(Shape):
    """What a web process's settings say of the process itself."""

    @property
    def service_name(self) -> str: ...
    @property
    def district(self) -> str: ...
    @property
    def otlp_endpoint(self) -> str: ...
    @property
    def listen_address(self) -> str: ...
    @property
    def tls_certificate(self) -> Path: ...
    @property
    def tls_key(self) -> Path: ...
    @property
    def health_address(self) -> str: ...


S = TypeVar("S", bound=WebSettings)


def run(settings_class: type[S], build: Callable[[S, Clock, NewId], Starlette]) -> int:
    """A web process from its environment to its clean stop: 0. Its application keeps its checks at `state.checks`, and its
    KeyGuard at `state.key_guard` where it has sealed values.

    2, with a sentence on standard error, where settings are wrong, or `build` refuses what they name (ValueError, OSError, a fault),
    or rows need a key that is not given.
    """
    try:
        settings = read_settings(settings_class, os.environ)
        logs.configure(settings.service_name, settings.district)
        telemetry.configure(settings.service_name, settings.district, settings.otlp_endpoint)
        app = build(settings, SystemClock(), new_id)
        if (guard := getattr(app.state, "key_guard", None)) is not None:
            guard.wait()
    except Exception as error:
        if not isinstance(error, SettingsError | ValueError | OSError) and fault_of(error) is None:
            raise
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        _serve(app, settings)
    finally:
        telemetry.flush()
    return 0


def health_page(path: str, checks: health.Checks) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for /livez or /readyz; checks may block, so they run in a thread. Metrics are not for the public."""

    async def page(_: Request) -> Response:
        status, content_type, body = await run_in_threadpool(health.respond, path, checks)
        return Response(body, status, media_type=content_type)

    return page


def _serve(app: Starlette, settings: WebSettings) -> None:
    """Serves until SIGTERM, then lets running requests end. Exits with 3 where it could not begin, as uvicorn's own `run` does.

    The health pages are there before it listens and until it has ended; it is ready in between only, so that nobody is sent
    to a port that refuses.
    """
    host, _, port = settings.listen_address.rpartition(":")
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=host.strip("[]"),
            port=int(port),
            ssl_certfile=str(settings.tls_certificate),
            ssl_keyfile=str(settings.tls_key),
            http=Protocol,
            loop="asyncio",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,  # proxies.py, which believes nobody who is not named
            timeout_keep_alive=30,
            timeout_graceful_shutdown=10,
            backlog=512,
        )
    )
    listens = {"listening": lambda: server.started and not server.should_exit}
    pages = (
        health.HealthServer(settings.health_address, {**app.state.checks, **listens})
        if settings.health_address
        else None
    )
    for sign in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises what it caught once more after a clean stop; without this the process would end by it, unflushed.
        signal.signal(sign, lambda *_: None)
    if pages is not None:
        pages.start()
    try:
        server.run()
    finally:
        if pages is not None:
            pages.stop()
    if not server.started:
        sys.exit(3)
