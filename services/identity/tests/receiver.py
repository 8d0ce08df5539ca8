"""A relying party's own server over real HTTPS: it takes logout tokens, and can be down, slow or unwilling."""

from __future__ import annotations

import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

from tongban_local.certificates import Authority, Pair
from tongban_local.ports import free_port


@dataclass
class Receiver:
    """`told`: the logout tokens, with when they came (monotonic)."""

    folder: Path
    host: str = "127.20.9.2"
    status: int = 200
    delay_s: float = 0.0
    told: list[tuple[str, float]] = field(default_factory=list)
    tries: int = 0
    kinds: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.port = free_port(self.host)
        self._pair = Authority(self.folder / "authority").server(
            Pair.at(self.folder, f"receiver-{self.port}"), self.host
        )
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.port}/backchannel-logout"

    def start(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.tries += 1
                outer.kinds.add(self.headers["Content-Type"])
                time.sleep(outer.delay_s)
                if outer.status in (200, 204):
                    outer.told.append((parse_qs(body)["logout_token"][0], time.monotonic()))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer((self.host, self.port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._pair.certificate, self._pair.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def wait(self, count: int, seconds: float = 20.0) -> list[str]:
        """The logout tokens once there are `count`."""
        deadline = time.monotonic() + seconds
        while len(self.told) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(self.told) >= count, (len(self.told), self.tries)
        return [token for token, _ in self.told]
