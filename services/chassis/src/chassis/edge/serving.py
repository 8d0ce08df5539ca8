"""A web process: an application served over HTTPS until SIGTERM, with the health pages beside it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, TypeVar
from typing import Protocol as Shape

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


class _HealthHandler(BaseHTTPRequestHandler):
    """The same three pages without TLS, for probes and Prometheus, as every bus process has them."""

    checks: ClassVar[health.Checks]
    timeout = 5

    def do_GET(self) -> None:
        status, content_type, body = health.respond(self.path, self.checks)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Probes are not worth a line."""


def _health_server(address: str, checks: health.Checks) -> ThreadingHTTPServer:
    host, _, port = address.rpartition(":")
    handler = type("Handler", (_HealthHandler,), {"checks": checks})
    server = ThreadingHTTPServer((host.strip("[]"), int(port)), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


def _serve(app: Starlette, settings: WebSettings) -> None:
    """Serves until SIGTERM, then lets running requests end."""
    health_server = _health_server(settings.health_address, app.state.checks) if settings.health_address else None
    host, _, port = settings.listen_address.rpartition(":")
    for sign in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises what it caught once more after a clean stop; without this the process would end by it, unflushed.
        signal.signal(sign, lambda *_: None)
    try:
        uvicorn.run(
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
    finally:
        if health_server is not None:
            health_server.shutdown()
            health_server.server_close()
