"""Whether this process lives, whether it can work, and its metrics: /livez, /readyz and /metrics.

Liveness asks nobody: a process that answers is alive, and restarting it would not mend a broker that is away. Readiness
asks each named check and names those that fail.

The server is the standard library's on plain threads, which in an eventlet process are greenlets: one module serves both
kinds of process and imports neither world.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

from chassis.telemetry import exposition
from chassis.telemetry.metrics import CONTENT_TYPE

log = logging.getLogger(__name__)

#: Name of something that work needs → whether it is there now.
Checks = Mapping[str, Callable[[], bool]]

CHECK_TIMEOUT_S = 2.0
REQUEST_TIMEOUT_S = 5.0
REQUESTS_AT_ONCE = 16
_JSON = "application/json"

#: Checks still running: one that hangs is asked again only when it has come back, so probes do not pile up behind it.
_asking: set[Callable[[], bool]] = set()


def respond(path: str, checks: Checks) -> tuple[int, str, bytes]:
    """Status, content type and body for one GET; for eventlet processes and web processes alike."""
    if path == "/livez":
        return 200, _JSON, b'{"alive": true}'
    if path == "/readyz":
        missing = not_ready(checks)
        return (503 if missing else 200), _JSON, json.dumps({"ready": not missing, "not_ready": missing}).encode()
    if path == "/metrics":
        return 200, CONTENT_TYPE, exposition()
    return 404, _JSON, b'{"error": "no such page"}'


def not_ready(checks: Checks) -> list[str]:
    """Names of the checks that fail; one that raises, or takes longer than `CHECK_TIMEOUT_S`, has failed."""
    passed: set[str] = set()
    threads = [
        threading.Thread(target=_ask, args=(name, check, passed), daemon=True)
        for name, check in checks.items()
        if check not in _asking
    ]
    for thread in threads:
        thread.start()
    until = time.monotonic() + CHECK_TIMEOUT_S
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return sorted(checks.keys() - passed)


def _ask(name: str, check: Callable[[], bool], passed: set[str]) -> None:
    _asking.add(check)
    try:
        if check():
            passed.add(name)
    except Exception as error:  # its message may hold a URL with a password
        log.warning("readiness check %s failed: %s", name, type(error).__name__)
    finally:
        _asking.discard(check)


class HealthServer:
    """The three pages on a port of their own."""

    def __init__(self, address: str, readiness: Checks) -> None:
        """`address` is host:port; port 0 takes a free one, which `port` tells after `start`."""
        self._host, _, port = address.rpartition(":")
        self._checks = readiness
        self._places = threading.BoundedSemaphore(REQUESTS_AT_ONCE)
        self.port = int(port)
        self._socket: socket.socket | None = None

    def start(self) -> None:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        self._socket = socket.create_server((self._host.strip("[]"), self.port), family=family)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, name="health", daemon=True).start()

    def stop(self) -> None:
        listening, self._socket = self._socket, None
        if listening is not None:
            listening.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept
            listening.close()

    def _accept(self) -> None:
        while (listening := self._socket) is not None:
            try:
                connection, client = listening.accept()
            except OSError:
                if self._socket is None:
                    return
                time.sleep(0.1)  # out of file descriptors, most likely: try again rather than die or spin
                continue
            self._places.acquire()
            threading.Thread(target=self._serve, args=(connection, client), daemon=True).start()

    def _serve(self, connection: socket.socket, client: Any) -> None:
        try:
            with connection:
                _Request(connection, client, self._checks)
        except OSError:
            log.debug("a health client went away")
        finally:
            self._places.release()


class _Request(BaseHTTPRequestHandler):
    """One request, one answer, then the connection closes."""

    timeout = REQUEST_TIMEOUT_S
    server_version, sys_version = "tongban", ""

    def __init__(self, connection: socket.socket, client: Any, checks: Checks) -> None:
        self._checks = checks
        super().__init__(connection, client, None)  # type: ignore[arg-type]  # it never looks at its server

    def do_GET(self) -> None:
        status, content_type, body = respond(self.path.partition("?")[0], self._checks)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: probes come every few seconds."""
