"""The gateway as a process on a real broker; identity's keys and the services behind it are stood in for at their ports."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pika
import pytest
from chassis.clock import SystemClock, new_id
from chassis.errors import Fault
from chassis.wire import encode_fault, encode_reply
from google.protobuf.message import Message
from joserfc.jwk import KeySet, OKPKey
from tongban_local.account import own
from tongban_local.certificates import Authority, Pair
from tongban_local.ports import free_port

from tests.support.bad_tokens import Genuine


class Issuer:
    """An HTTPS server that publishes keys, and tokens signed with them; `switch_off` makes it answer 503."""

    def __init__(self, pair: Pair, host: str) -> None:
        self.keys = [OKPKey.generate_key("Ed25519", {"kid": "one"})]
        self.fetched, self.off = 0, False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.fetched += 1
                body = json.dumps(KeySet(outer.keys).as_dict(private=False)).encode()
                self.send_response(503 if outer.off else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer((host, 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://{host}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def genuine(self, *roles: str, **claims) -> Genuine:
        """What a token of this issuer says and is signed with."""
        now, key = int(SystemClock().now().timestamp()), self.keys[0]
        said = {
            "iss": self.url, "aud": "tongban-gateway:320508", "sub": "person-1", "client_id": "tongban-session", "iat": now,
            "exp": now + 600, "jti": str(new_id()), "roles": list(roles), "acr": "L4", "district": "320508", "auth_time": now,
            "scope": "api",
        }  # fmt: skip
        return Genuine(key, {"alg": "EdDSA", "kid": key.kid, "typ": "at+jwt"}, said | claims)

    def token(self, *roles: str, key: OKPKey | None = None, header: dict | None = None, **changes) -> str:
        own = {"kid": (key or self.keys[0]).kid}
        return self.genuine(*roles).token(header=own | (header or {}), key=key, **changes)


@dataclass
class Service:
    """Stands in for one service on the bus: answers each call with what `answer` makes of it; None answers nothing."""

    url: str
    name: str
    answer: Callable[[str, bytes], Message | Fault | bytes | None]
    calls: list[tuple[str, pika.BasicProperties, bytes]] = field(default_factory=list)

    def start(self) -> Service:
        self._connection = pika.BlockingConnection(pika.URLParameters(self.url))
        self._channel = self._connection.channel()
        self._channel.basic_consume(f"rpc-{self.name}", self._take, auto_ack=True)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def _serve(self) -> None:
        try:
            self._channel.start_consuming()
        except pika.exceptions.AMQPError:
            return

    def _take(self, channel, method, properties, body) -> None:
        self.calls.append((method.routing_key, properties, body))
        answer = self.answer(method.routing_key, body)
        if answer is None:
            return
        if isinstance(answer, bytes):
            reply, kind = answer, "application/x-protobuf"
        elif isinstance(answer, Fault):
            reply, kind = encode_fault(answer), "application/json"
        else:
            reply, kind = encode_reply(answer, properties.content_type)
        back = pika.BasicProperties(content_type=kind, correlation_id=properties.correlation_id, user_id=self.name)
        channel.basic_publish("nameko-rpc", properties.reply_to, reply, back)

    def stop(self) -> None:
        if self._connection.is_open:
            self._connection.add_callback_threadsafe(self._channel.stop_consuming)
            self._thread.join(5)
            self._connection.close()


@dataclass
class Edge:
    """The running gateway, as a client sees it."""

    process: object
    url: str
    issuer: Issuer
    authority: Path

    def ask(self, method: str, path: str, *roles: str, token: str | None = None, **more) -> httpx.Response:
        bearer = token if token is not None else self.issuer.token(*roles)
        headers = {"Authorization": f"Bearer {bearer}", **more.pop("headers", {})}
        context = ssl.create_default_context(cafile=str(self.authority))
        with httpx.Client(verify=context, timeout=20, trust_env=False) as client:
            return client.request(method, self.url + path, headers=headers, **more)


@pytest.fixture(scope="module")
def tls(engines) -> tuple[Path, Pair]:
    folder = engines.district.folder / "tls"
    authority = Authority(folder)
    pair = authority.server(Pair.at(folder, "server"), engines.district.host)
    own(folder)
    return authority.certificate, pair


@pytest.fixture(scope="module")
def issuer(engines, tls):
    issuer = Issuer(tls[1], engines.district.host)
    yield issuer
    issuer.stop()


@pytest.fixture(scope="module")
def edge(broker, tls, issuer, service_process) -> Edge:
    district = broker.district
    address = f"{district.host}:{free_port(district.host)}"
    authority, pair = tls
    process = service_process(
        "gateway",
        TONGBAN_EDGE_KEY=str(district.keys / "edge.jwk"),
        TONGBAN_LISTEN_ADDRESS=address,
        TONGBAN_TLS_CERTIFICATE=str(pair.certificate),
        TONGBAN_TLS_KEY=str(pair.key),
        TONGBAN_CA_FILE=str(authority),
        TONGBAN_ISSUER=issuer.url,
        TONGBAN_CALL_TIMEOUT_S="1.5",
    )
    return Edge(process, f"https://{address}", issuer, authority)


@pytest.fixture
def service(engines):
    """`service("catalogue", lambda method, body: …)`: answers until the test ends."""
    running = []

    def start(name: str, answer: Callable[[str, bytes], Message | Fault | bytes | None]) -> Service:
        running.append(Service(engines.amqp_url(name), name, answer).start())
        return running[-1]

    yield start
    for each in running:
        each.stop()
