"""The gateway without its surroundings: a bus that answers what a test says, tokens that are what they say."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from chassis.assertion import Actor, EdgeKeys, verify_assertion
from chassis.clock import FixedClock, new_id
from chassis.errors import Fault
from gateway.adapters.tokens import Checked
from gateway.app import build
from gateway.messages import answer_type
from gateway.settings import Settings
from google.protobuf.message import Message
from joserfc.jwk import OKPKey

EDGE_KEY = OKPKey.generate_key("Ed25519", {"kid": "edge"})


@dataclass
class FakeBus:
    """`answers`: method → a message, a Fault, or what makes one of the request."""

    answers: dict[str, Message | Fault | Callable[[Message], Message]] = field(default_factory=dict)
    calls: list[tuple[str, Message, str]] = field(default_factory=list)
    ready: bool = True

    def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def call(self, method: str, request: Message, *, assertion: str = "") -> Message:
        self.calls.append((method, request, assertion))
        answer = self.answers.get(method)
        if isinstance(answer, Fault):
            raise answer
        if callable(answer):
            return answer(request)
        return answer if answer is not None else answer_type(method)()


@dataclass
class FakeTokens:
    """A token is "<subject> <role> <role> …", with dots for spaces; what else it says is the same for all."""

    acr: str = "L4"
    home: str = "320508"
    scopes: frozenset[str] = frozenset({"api"})
    session: str = ""
    ready: bool = True

    async def check(self, token: str) -> Checked:
        subject, *roles = token.split(".")
        return Checked(Actor(subject, self.home, frozenset(roles), self.acr, "portal"), 0, self.scopes, self.session)


def settings(folder: Path, **changes) -> Settings:
    (folder / "edge.jwk").write_text(json.dumps(EDGE_KEY.as_dict(private=True)))
    values = {
        "district": "320508",
        "amqp_url": "amqp://gateway:x@127.0.0.1:1/district",
        "edge_key": folder / "edge.jwk",
        "listen_address": "127.0.0.1:0",
        "tls_certificate": folder / "-",
        "tls_key": folder / "-",
        "ca_file": None,
        "issuer": "https://127.20.9.1:20443",
    }
    return Settings(**values | changes)


@dataclass
class Gateway:
    """The application with fakes around it; `request` is one HTTP request to it, by somebody with `roles`."""

    folder: Path
    changes: dict = field(default_factory=dict)
    clock: FixedClock = field(default_factory=FixedClock)

    def __post_init__(self) -> None:
        self.app = build(settings(self.folder, **self.changes), self.clock, new_id)
        self.bus = self.app.state.bus = FakeBus()
        self.tokens = self.app.state.guard._tokens = FakeTokens()

    def acted_for(self, assertion: str) -> Actor:
        """Whom the gateway said that a call was made for."""
        keys = self.folder / "edge.jwks"
        keys.write_text(json.dumps({"keys": [EDGE_KEY.as_dict(private=False)]}))
        return verify_assertion(assertion, EdgeKeys(keys), clock=self.clock, district="320508")

    async def send(self, method: str, path: str, *roles: str, subject: str = "person", **more) -> httpx.Response:
        headers = {"Authorization": f"Bearer {'.'.join((subject, *roles))}"} if roles else {}
        headers |= more.pop("headers", {})
        came_from = (more.pop("address", "127.0.0.1"), 443)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=came_from)
        async with httpx.AsyncClient(transport=transport, base_url="https://gateway") as client:
            return await client.request(method, path, headers=headers, **more)
