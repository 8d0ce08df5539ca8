"""Serving an application over HTTPS until SIGTERM, with the health pages beside it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Awaitable, Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import uvicorn
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from chassis import health
from chassis.edge.protocol import Protocol


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


def serve(
    app: ASGIApp,
    *,
    address: str,
    certificate: Path,
    key: Path,
    health_address: str = "",
    checks: health.Checks | None = None,
) -> None:
    """Serves `app` over HTTPS at host:port until SIGTERM, then lets running requests end.

    `health_address`: host:port of the health pages without TLS, if they are wanted.
    """
    health_server = _health_server(health_address, checks or {}) if health_address else None
    host, _, port = address.rpartition(":")
    for sign in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises what it caught once more after a clean stop; without this the process would end by it, unflushed.
        signal.signal(sign, lambda *_: None)
    try:
        uvicorn.run(
            app,
            host=host.strip("[]"),
            port=int(port),
            ssl_certfile=str(certificate),
            ssl_keyfile=str(key),
            http=Protocol,
            loop="asyncio",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=10,
            backlog=512,
        )
    finally:
        if health_server is not None:
            health_server.shutdown()
            health_server.server_close()
