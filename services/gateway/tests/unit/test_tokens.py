"""Tokens without a network: what happens while identity's keys cannot be had, and what is remembered."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from chassis.clock import FixedClock
from chassis.errors import Fault, Kind
from gateway.adapters.tokens import Tokens
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

KEY = OKPKey.generate_key("Ed25519", {"kid": "one"})
ISSUER, AUDIENCE = "https://identity.example", "tongban-gateway:320508"


def token(clock: FixedClock) -> str:
    now = int(clock.now().timestamp())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "s", "client_id": "c", "district": "320508", "roles": ["citizen"]}
    claims |= {"scope": "api"}
    header = {"alg": "EdDSA", "kid": "one", "typ": "at+jwt"}
    return jwt.encode(header, {**claims, "iat": now, "exp": now + 600}, KEY, algorithms=["EdDSA"])


def tokens(clock: FixedClock, answer: httpx.Response | Exception) -> Tokens:
    def respond(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == f"{ISSUER}/jwks.json"
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Tokens(ISSUER, "320508", AUDIENCE, httpx.AsyncClient(transport=httpx.MockTransport(respond)), clock)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("away"),
        httpx.Response(503),
        httpx.Response(200, text="no JSON"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"keys": [{"kty": "OKP"}]}),
        httpx.Response(200, json={"keys": []}),
    ],
    ids=["away", "503", "no JSON", "a list", "half a key", "no key"],
)
def test_without_any_key_the_caller_is_told_to_come_back_not_to_go_away(answer) -> None:
    clock = FixedClock()
    here = tokens(clock, answer)
    with pytest.raises(Fault) as refused:
        asyncio.run(here.check(token(clock)))
    assert (refused.value.code, refused.value.kind) == ("token.keys_unavailable", Kind.UNAVAILABLE)
    assert not here.ready


def test_a_token_that_was_checked_once_still_ends_at_its_time() -> None:
    clock = FixedClock()
    signed = token(clock)

    async def journey() -> None:
        here = tokens(clock, httpx.Response(200, content=json.dumps(KeySet([KEY]).as_dict(private=False))))
        assert (await here.check(signed)).actor.subject == "s"
        clock.advance(seconds=604)
        assert (await here.check(signed)).actor.subject == "s", "clocks may differ by five seconds"
        clock.advance(seconds=2)
        with pytest.raises(Fault) as refused:
            await here.check(signed)
        assert refused.value.code == "token.refused"

    asyncio.run(journey())
