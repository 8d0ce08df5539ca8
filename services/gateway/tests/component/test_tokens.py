"""Which tokens the gateway believes, against keys that it fetches over HTTPS."""

from __future__ import annotations

import base64
import json

import pytest
from chassis.clock import SystemClock
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from tests.support.calls import eventually

pytestmark = pytest.mark.engines

NOW = int(SystemClock().now().timestamp())
STRANGER = OKPKey.generate_key("Ed25519", {"kid": "one"})


def seen(edge, token: str) -> tuple[int, str]:
    """Status and code of a request that fails later for everybody: no service runs here."""
    answer = edge.ask("GET", "/v1/items?nothing=1", token=token)
    return answer.status_code, answer.json()["code"]


ADMITTED = (422, "request.unknown_parameter")
REFUSED = (401, "token.refused")


def test_a_token_of_our_identity_is_believed(edge) -> None:
    assert seen(edge, edge.issuer.token("citizen")) == ADMITTED
    assert seen(edge, edge.issuer.token("citizen", aud=["other", "tongban-gateway:320508"])) == ADMITTED
    assert seen(edge, edge.issuer.token("kiosk", acr=None, auth_time=None)) == ADMITTED


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://127.20.99.1:1"}, {"iss": None}, {"aud": "tongban-gateway:310101"}, {"aud": None}, {"aud": 7}, {"aud": "320508"},
        {"sub": ""}, {"sub": None}, {"sub": 7}, {"client_id": None}, {"district": None}, {"roles": None}, {"roles": "citizen"},
        {"exp": NOW - 60}, {"exp": None}, {"exp": "soon"}, {"iat": NOW + 3600}, {"iat": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_token_with_a_wrong_claim_is_refused(edge, changes) -> None:
    assert seen(edge, edge.issuer.token("citizen", **changes)) == REFUSED


@pytest.mark.parametrize(
    "header", [{"typ": "JWT"}, {"typ": None}, {"typ": "id_token"}, {"kid": None}, {"kid": "unknown"}], ids=str
)
def test_a_token_of_another_type_or_key_is_refused(edge, header) -> None:
    assert seen(edge, edge.issuer.token("citizen", header=header)) == REFUSED


def test_a_forged_token_is_refused(edge) -> None:
    good = edge.issuer.token("citizen")
    head, payload, signature = good.split(".")

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    public = edge.issuer.keys[0].as_dict(private=False)
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    shared = jwt.encode(
        {"alg": "HS256", "kid": "one", "typ": "at+jwt"},
        claims,
        OctKey.import_key(json.dumps(public)),
        algorithms=["HS256"],
    )
    embedded = {"alg": "EdDSA", "kid": "one", "typ": "at+jwt", "jwk": STRANGER.as_dict(private=False)}
    forged = [
        f"{part({'alg': 'none', 'kid': 'one', 'typ': 'at+jwt'})}.{payload}.",
        f"{head}.{payload}.",
        f"{head}.{part({**claims, 'roles': ['operator']})}.{signature}",
        f"{head}.{payload}.{signature[:-4]}AAAA",
        shared,
        jwt.encode(embedded, claims, STRANGER, algorithms=["EdDSA"]),
        edge.issuer.token("citizen", key=STRANGER),
        "a.b.c",
        "abc",
        part({"kid": "one"}),
        part(["kid"]) + ".a.b",
        "." * 50,
    ]
    assert [seen(edge, token) for token in forged] == [REFUSED] * len(forged)
    assert seen(edge, good) == ADMITTED


def test_a_new_key_is_fetched_when_it_turns_up_and_a_flood_of_unknown_ones_is_not_passed_on(edge) -> None:
    fresh = OKPKey.generate_key("Ed25519", {"kid": "two"})
    edge.issuer.keys.insert(0, fresh)
    eventually(lambda: seen(edge, edge.issuer.token("citizen", key=fresh)) == ADMITTED, 10)
    assert seen(edge, edge.issuer.token("citizen", key=edge.issuer.keys[1])) == ADMITTED
    before = edge.issuer.fetched
    for n in range(30):
        assert seen(edge, edge.issuer.token("citizen", header={"kid": f"unknown-{n}"})) == REFUSED
    assert edge.issuer.fetched - before <= 2


def test_keys_that_are_known_serve_while_identity_is_away(edge) -> None:
    edge.issuer.off = True
    try:
        assert seen(edge, edge.issuer.token("citizen")) == ADMITTED
    finally:
        edge.issuer.off = False
