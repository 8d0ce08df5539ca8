"""Which tokens the gateway believes, against keys that it fetches over HTTPS."""

from __future__ import annotations

import pytest
from joserfc.jwk import OKPKey

from tests.support.bad_tokens import ABSENT, bad_tokens
from tests.support.calls import eventually

pytestmark = pytest.mark.engines

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
    assert seen(edge, edge.issuer.token("kiosk", acr=ABSENT, auth_time=ABSENT)) == ADMITTED


def test_a_visitor_of_another_district_is_believed_under_the_name_that_their_home_gave(edge) -> None:
    visitor = edge.issuer.genuine("citizen", sub="310101:person-7", home="310101", sid="a-session")
    assert seen(edge, visitor.token()) == ADMITTED
    assert seen(edge, edge.issuer.token("citizen", acting_for="firm-1", sid="a-session")) == ADMITTED


#: Beside what is wrong with any token: what is wrong with one for this gateway.
WRONG_HERE = {
    "another district's audience": {"aud": "tongban-gateway:310101"},
    "only the issuer as audience": {"aud": ["https://127.20.9.1:20443"]},
    "the district as audience": {"aud": "320508"},
    "another district's token": {"district": "310101"},
    "no scope": {"scope": ABSENT},
    "scopes as a list": {"scope": ["api"]},
    "a session that is a number": {"sid": 7},
    "a session without a name": {"sid": ""},
    "a control character in a name": {"sub": "person\x001"},
    "a home that is no district": {"home": "elsewhere", "sub": "elsewhere:x"},
    "a home that is here": {"home": "320508", "sub": "320508:x"},
    "a visitor under one of our names": {"home": "310101"},
    "a visitor under another district's name": {"home": "310101", "sub": "320106:x"},
    "one of ours under a visitor's name": {"sub": "310101:x"},
    "a firm that is a list": {"acting_for": ["firm"]},
}
HEADERS = {
    "an ID token": {"typ": "JWT"},
    "no type": {"typ": ABSENT},
    "a logout token": {"typ": "logout+jwt"},
    "a type that is a list": {"typ": ["at+jwt"]},
}


def bad_here(edge) -> dict[str, str]:
    good = edge.issuer.genuine("citizen")
    return {
        **bad_tokens(good, STRANGER),
        **{name: good.token(**changes) for name, changes in WRONG_HERE.items()},
        **{name: good.token(header=header) for name, header in HEADERS.items()},
        "an assertion of our own edge": good.token(header={"typ": ABSENT}, iss="edge:320508", aud="320508"),
        "a very long one": good.token(more="x" * 9000),
    }


def test_no_bad_token_is_believed_and_each_good_one_beside_it_is(edge) -> None:
    bad, good = bad_here(edge), edge.issuer.token("citizen")
    assert len(bad) > 60
    believed = []
    for name, token in bad.items():
        if seen(edge, token) != REFUSED:
            believed.append(name)
        assert seen(edge, good) == ADMITTED, name
    assert believed == []


def test_a_refusal_says_in_its_challenge_that_the_token_is_the_matter(edge) -> None:
    answer = edge.ask("GET", "/v1/items", token=edge.issuer.token("citizen", sub=""))
    assert answer.headers["www-authenticate"] == 'Bearer realm="tongban", error="invalid_token"'
    bare = edge.ask("GET", "/v1/items", headers={"Authorization": ""})
    assert bare.headers["www-authenticate"] == 'Bearer realm="tongban"'


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
