"""A provider of another district that a test holds in its hand: over HTTPS, it answers whatever the test wants it to."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode

from joserfc import jwt
from joserfc.jwk import OKPKey
from tongban_local.certificates import Authority, Pair
from tongban_local.ports import free_port

from tests.support.engines import test_address

from ..factories import ID_NUMBER


class Home:
    """What it says; a test changes any of it."""

    def __init__(self, code: str, client_id: str) -> None:
        self.code, self.client_id = code, client_id
        host = test_address()
        self.issuer = f"https://{host}:{free_port(host)}"
        self.key = OKPKey.generate_key("Ed25519", {"kid": f"identity {code}"})
        self.reset()

    def reset(self) -> None:
        self.metadata: dict[str, Any] = {
            "issuer": self.issuer,
            **{
                name: f"{self.issuer}/{name}"
                for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
            },
        }
        self.nonce = ""
        #: Claims to change or, with None, to leave out of the ID token.
        self.claims: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {"name": "王小明", "id_number": ID_NUMBER}
        self.header: dict[str, Any] = {}
        self.sign: Any = None
        self.status = self.userinfo_status = 200
        #: Cleared: it takes connections and says nothing, as a stopped process does.
        self.awake = threading.Event()
        self.awake.set()
        self.asked: list[dict[str, str]] = []

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [{**self.key.as_dict(private=False), "use": "sig", "alg": "EdDSA"}]}

    def id_token(self) -> str:
        now = int(datetime.now(UTC).timestamp())
        digest = hashlib.sha512(b"an access token").digest()[:32]
        claims = {
            "iss": self.issuer,
            "sub": "pairwise-7",
            "aud": self.client_id,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "nonce": self.nonce,
            "acr": "L3",
            "sid": "session-of-the-home",
            "at_hash": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        }
        claims = {name: value for name, value in (claims | self.claims).items() if value is not None}
        header = {"alg": "EdDSA", "kid": self.key.kid, "typ": "JWT"} | self.header
        return self.sign(header, claims) if self.sign else jwt.encode(header, claims, self.key, algorithms=["EdDSA"])

    def logout_token(self, **changes: Any) -> str:
        now = int(datetime.now(UTC).timestamp())
        claims = {
            "iss": self.issuer,
            "aud": self.client_id,
            "iat": now,
            "exp": now + 120,
            "jti": f"logout-{datetime.now(UTC).timestamp()}",
            "sid": "session-of-the-home",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        header = {"alg": "EdDSA", "kid": self.key.kid, "typ": "logout+jwt"}
        return jwt.encode(header, claims, self.key, algorithms=["EdDSA"])

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        self.awake.wait(60)
        if path == "/.well-known/openid-configuration":
            return 200, self.metadata
        if path == "/authorization_endpoint":  # nobody is signed in here by a browser; tests come back as if they were
            told = {"error": "login_required", "state": form["state"], "iss": self.issuer}
            return 302, f"{form['redirect_uri']}?{urlencode(told)}"
        if path == "/jwks_uri":
            return 200, self.jwks
        if path == "/token_endpoint":
            self.asked.append(form)
            if self.status != 200:
                return self.status, {"error": "invalid_grant"}
            tokens = {"access_token": "an access token", "token_type": "Bearer", "refresh_token": "a refresh token"}
            return 200, tokens | {"id_token": self.id_token()}
        if path == "/userinfo_endpoint":
            return self.userinfo_status, {"sub": self.claims.get("sub", "pairwise-7")} | self.userinfo
        return 404, {}


@contextmanager
def a_home(code: str, client_id: str, authority: Authority, pair: Pair) -> Iterator[Home]:
    """The provider of district `code`, listening; `client_id` is whom it answers."""
    home = Home(code, client_id)
    host, _, port = home.issuer.removeprefix("https://").rpartition(":")
    authority.server(pair, host)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            self._say(*home.answer(path, dict(parse_qsl(query))))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            self._say(*home.answer(self.path, dict(parse_qsl(body))))

        def _say(self, status: int, told: Any) -> None:
            body = json.dumps(told).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", told)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            with suppress(OSError):  # whoever asked may have left by now
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer((host, int(port)), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield home
    finally:
        server.shutdown()
        server.server_close()
