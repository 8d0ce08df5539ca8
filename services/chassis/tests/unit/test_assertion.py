"""Who acts: what an assertion must be before anybody believes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from chassis.assertion import ALGORITHM, Actor, AssertionVerifier, EdgeKeys, sign_assertion, verify_assertion
from chassis.clock import FixedClock
from chassis.errors import Fault
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

HERE, ELSEWHERE = "320508", "310101"


def a_key(name: str) -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": name})


def write(path: Path, *keys: OKPKey) -> None:
    """As the edge replaces its key set: whole, never half."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"keys": [key.as_dict(private=False) for key in keys]}))
    fresh.replace(path)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def key() -> OKPKey:
    return a_key("edge-1")


@pytest.fixture
def path(tmp_path: Path, key: OKPKey) -> Path:
    file = tmp_path / "edge.jwks"
    write(file, key)
    return file


@pytest.fixture
def actor() -> Actor:
    return Actor("subject-1", ELSEWHERE, frozenset({"citizen", "clerk"}), "loa3", "portal", "王小明")


def test_who_signed_in_comes_out_as_they_went_in(key: OKPKey, path: Path, clock: FixedClock, actor: Actor) -> None:
    token = sign_assertion(actor, key, clock=clock, audience=HERE)
    assert verify_assertion(token, EdgeKeys(path), clock=clock, district=HERE) == actor


def test_a_name_is_not_shown_where_an_actor_is_printed(actor: Actor) -> None:
    assert "王小明" not in repr(actor)


def refused(token: str, path: Path, clock: FixedClock, district: str = HERE) -> bool:
    with pytest.raises(Fault) as caught:
        verify_assertion(token, EdgeKeys(path), clock=clock, district=district)
    return (caught.value.code, caught.value.kind) == ("rpc.bad_assertion", "unauthenticated")


def test_an_assertion_is_believed_in_one_district_only(
    key: OKPKey, path: Path, clock: FixedClock, actor: Actor
) -> None:
    token = sign_assertion(actor, key, clock=clock, audience=HERE)
    assert refused(token, path, clock, district=ELSEWHERE)


@pytest.mark.parametrize("seconds", [-3600, -6, 65.5, 3600])
def test_an_assertion_is_believed_for_its_minute_only(
    key: OKPKey, path: Path, clock: FixedClock, actor: Actor, seconds: float
) -> None:
    token = sign_assertion(actor, key, clock=clock, audience=HERE)
    clock.advance(seconds=seconds)
    assert refused(token, path, clock)


def test_clocks_may_differ_by_seconds(key: OKPKey, path: Path, clock: FixedClock, actor: Actor) -> None:
    token = sign_assertion(actor, key, clock=clock, audience=HERE)
    clock.advance(seconds=-4)
    assert verify_assertion(token, EdgeKeys(path), clock=clock, district=HERE) == actor


def test_an_assertion_that_lives_long_is_not_believed(key: OKPKey, path: Path, clock: FixedClock, actor: Actor) -> None:
    assert refused(sign_assertion(actor, key, clock=clock, audience=HERE, lifetime_s=3600), path, clock)


def test_a_key_that_is_not_the_edges_signs_nothing(path: Path, clock: FixedClock, actor: Actor) -> None:
    for name in ("edge-1", "edge-2"):  # under the same name, and under one of its own
        assert refused(sign_assertion(actor, a_key(name), clock=clock, audience=HERE), path, clock)


def claims_of(clock: FixedClock, **changed: Any) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    claims = {"iss": f"edge:{HERE}", "aud": HERE, "iat": now, "exp": now + 60, "sub": "s", "district": HERE}
    return {
        key: value
        for key, value in {**claims, "roles": [], "acr": "", "client_id": "", **changed}.items()
        if value is not ...
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": HERE},
        {"aud": [HERE]},
        {"exp": ...},
        {"exp": "soon"},
        {"iat": None},
        {"sub": ""},
        {"sub": 7},
        {"roles": "clerk"},
        {"roles": [1]},
        {"roles": ...},
        {"acr": None},
    ],
    ids=str,
)
def test_claims_that_do_not_say_everything_say_nothing(
    key: OKPKey, path: Path, clock: FixedClock, changed: dict[str, Any]
) -> None:
    signed = jwt.encode({"alg": ALGORITHM, "kid": "edge-1"}, claims_of(clock, **changed), key, algorithms=[ALGORITHM])
    assert refused(signed, path, clock)


def test_only_a_signature_by_the_one_algorithm_counts(path: Path, clock: FixedClock, key: OKPKey) -> None:
    public = json.dumps(key.as_dict(private=False)).encode()
    by_secret = jwt.encode(
        {"alg": "HS256", "kid": "edge-1"}, claims_of(clock), OctKey.import_key(public), algorithms=["HS256"]
    )
    head, body, _ = by_secret.split(".")
    for token in (by_secret, f"{head}.{body}.", "eyJhbGciOiJub25lIn0." + body + ".", "", "x", "..", "\x00"):
        assert refused(token, path, clock)


def test_any_change_to_a_token_is_noticed(key: OKPKey, path: Path, clock: FixedClock, actor: Actor) -> None:
    token = sign_assertion(actor, key, clock=clock, audience=HERE)
    for at in range(0, len(token) - 1, 7):  # the very last character also holds bits that mean nothing
        if token[at] != ".":
            assert refused(token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :], path, clock)


def test_a_new_key_is_found_without_a_restart_and_an_old_one_ends(
    key: OKPKey, path: Path, clock: FixedClock, actor: Actor
) -> None:
    keys, fresh = EdgeKeys(path), a_key("edge-2")
    old_token = sign_assertion(actor, key, clock=clock, audience=HERE)
    assert verify_assertion(old_token, keys, clock=clock, district=HERE) == actor
    write(path, fresh)
    assert verify_assertion(sign_assertion(actor, fresh, clock=clock, audience=HERE), keys, clock=clock, district=HERE)
    with pytest.raises(Fault):
        verify_assertion(old_token, keys, clock=clock, district=HERE)


def test_a_key_file_that_is_away_refuses_everything_until_it_is_there(
    key: OKPKey, tmp_path: Path, clock: FixedClock, actor: Actor
) -> None:
    path = tmp_path / "later.jwks"
    keys = EdgeKeys(path)
    token = sign_assertion(actor, key, clock=clock, audience=HERE)
    for content in (None, "{", "[]", '{"keys": []}'):
        if content is not None:
            path.write_text(content)
        with pytest.raises(Fault):
            verify_assertion(token, keys, clock=clock, district=HERE)
    write(path, key)
    assert verify_assertion(token, keys, clock=clock, district=HERE) == actor


class TestVerifier:
    """Remembers what it has verified, and no longer than that is true."""

    @pytest.fixture
    def verify(self, path: Path, clock: FixedClock) -> Callable[[str], Actor]:
        return AssertionVerifier(EdgeKeys(path), clock, HERE, remembered=2).verify

    def test_it_believes_the_same_token_again(self, verify: Any, key: OKPKey, clock: FixedClock, actor: Actor) -> None:
        token = sign_assertion(actor, key, clock=clock, audience=HERE)
        assert verify(token) is verify(token)

    def test_it_stops_when_the_token_ends(self, verify: Any, key: OKPKey, clock: FixedClock, actor: Actor) -> None:
        token = sign_assertion(actor, key, clock=clock, audience=HERE)
        verify(token)
        clock.at += timedelta(seconds=66)
        with pytest.raises(Fault, match="not valid now"):
            verify(token)

    def test_it_does_not_grow_without_bound(self, verify: Any, key: OKPKey, clock: FixedClock, actor: Actor) -> None:
        tokens = []
        for _ in range(9):
            clock.advance(seconds=1)
            tokens.append(sign_assertion(actor, key, clock=clock, audience=HERE))
            assert verify(tokens[-1]) == actor
        assert len(verify.__self__._seen) <= 2
        assert verify(tokens[0]) == actor
