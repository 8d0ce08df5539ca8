"""What a web process answers to octets that are no HTTP request, from the socket up."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
import uvicorn
from chassis.edge import Protocol
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from services.chassis.tests.component.conftest import wait_for


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    app = Starlette(routes=[Route("/here", lambda request: PlainTextResponse(request.query_params.get("q", "")))])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, http=Protocol, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        wait_for(lambda: server.started, "the server")
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(10)


def answer(port: int, request: bytes) -> tuple[bytes, bytes]:
    """Head and body of what comes until the server closes."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as client:
        client.sendall(request)
        got = b""
        while part := client.recv(65536):
            got += part
    head, _, body = got.partition(b"\r\n\r\n")
    return head, body


@pytest.mark.parametrize(
    "request_line",
    ["GET /here?q=社保 HTTP/1.1".encode(), b"\x16\x03\x01", b"GET /here HTTP/9.9"],
    ids=["raw UTF-8 in the query", "TLS", "no such version"],
)
def test_what_is_no_http_is_refused_with_a_problem(port: int, request_line: bytes) -> None:
    head, body = answer(port, request_line + b"\r\nHost: x\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head.lower()
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (400, "request.malformed")
    assert {"type", "title", "detail", "trace_id", "details", "errors"} <= problem.keys()


def test_the_same_address_percent_encoded_is_answered(port: int) -> None:
    head, body = answer(port, b"GET /here?q=%E7%A4%BE HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body.decode() == "社"
