"""What of a home's answer is believed, each refusal beside the answer that is taken."""

from __future__ import annotations

from datetime import timedelta

import pytest
from identity.domain.errors import HomeAnswerRefused, LogoutRefused
from identity.domain.federation import (
    LEEWAY,
    LOGOUT_EVENT,
    TOKEN_AGE,
    Attempt,
    HomeAnswer,
    carried,
    foreign_subject,
    home_of,
    proven_at,
    read_answer,
    read_logout,
)
from identity.domain.model import Assurance

from ..factories import GUSU, HUANGPU, NOW

ISSUER = "https://127.20.1.1:443"
AT = int(NOW.timestamp())
GOOD = {
    "iss": ISSUER,
    "sub": "pairwise-1",
    "aud": HUANGPU,
    "iat": AT,
    "exp": AT + 300,
    "auth_time": AT - 60,
    "nonce": "nonce-1",
    "acr": "L4",
    "sid": "session-1",
    "at_hash": "hash-1",
}


def read(**changes) -> HomeAnswer:
    claims = {name: value for name, value in (GOOD | changes).items() if value is not ...}
    return read_answer(claims, issuer=ISSUER, client_id=HUANGPU, nonce="nonce-1", at_hash="hash-1", now=NOW)


def test_a_home_s_word_is_taken_as_it_is_said() -> None:
    assert read() == HomeAnswer("pairwise-1", Assurance.L4, NOW - timedelta(seconds=60), "session-1")
    assert read(aud=[HUANGPU]) == read()
    assert read(aud=[HUANGPU, "another"], azp=HUANGPU) == read()


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"iss": "https://127.20.9.9:443"}, "iss"),
        ({"iss": ...}, "iss"),
        ({"aud": GUSU}, "aud"),
        ({"aud": [GUSU, "another"]}, "aud"),
        ({"aud": [HUANGPU, "another"]}, "aud"),
        ({"aud": ...}, "aud"),
        ({"azp": "another"}, "azp"),
        ({"exp": AT - 60}, "exp"),
        ({"exp": ...}, "exp"),
        ({"exp": True}, "exp"),
        ({"iat": AT - 3600}, "exp"),
        ({"iat": AT + 3600}, "exp"),
        ({"iat": "now"}, "iat"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": ...}, "nonce"),
        ({"at_hash": "another"}, "at_hash"),
        ({"at_hash": None}, "at_hash"),
        ({"auth_time": ...}, "auth_time"),
        ({"auth_time": AT + 3600}, "auth_time"),
        ({"acr": "L9"}, "acr"),
        ({"acr": ...}, "acr"),
        ({"acr": ["L4"]}, "acr"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "a\nb"}, "sub"),
        ({"sub": "x" * 256}, "sub"),
        ({"sid": ...}, "sid"),
    ],
)
def test_an_answer_that_breaks_a_rule_is_refused_and_says_which(changes, claim) -> None:
    with pytest.raises(HomeAnswerRefused) as refused:
        read(**changes)
    assert refused.value.details == {"claim": claim}


def test_a_home_need_not_say_at_hash_of_tokens_that_it_hands_to_us_itself() -> None:
    """As npm's oidc-provider does not (OpenID Connect Core section 3.1.3.6)."""
    assert read(at_hash=...).sid == "session-1"


def test_clocks_of_two_districts_may_differ_a_little_and_no_more() -> None:
    assert read(iat=AT + 20, auth_time=AT + 20).auth_time == NOW
    assert read(iat=AT - int(TOKEN_AGE.total_seconds())).sid == "session-1"
    with pytest.raises(HomeAnswerRefused):
        read(iat=AT + int(LEEWAY.total_seconds()) + 1)


@pytest.mark.parametrize("claimed", [f"{HUANGPU}:x", "330102:x", "x"])
def test_a_home_names_nobody_but_its_own_people(claimed) -> None:
    """Whatever it puts into `sub`: our own people have no colon, and a third district's begin with another code."""
    subject = foreign_subject(GUSU, read(sub=claimed).subject)
    assert home_of(subject) == GUSU
    assert subject not in (claimed, f"{HUANGPU}:x", "330102:x", "x")


def test_our_own_people_have_no_home_elsewhere() -> None:
    assert home_of("0198f3d2-2f4e-7c1a-9a51-3f6f0a0b7c11") == ""


def test_assurance_is_carried_and_never_raised() -> None:
    assert carried(Assurance.L3, Assurance.L5) == Assurance.L3
    assert carried(Assurance.L5, Assurance.L4) == Assurance.L4
    assert carried(Assurance.L4, Assurance.L4) == Assurance.L4


def test_whoever_had_to_sign_in_anew_did_so_now_by_our_clock() -> None:
    def attempt(anew: bool) -> Attempt:
        return Attempt(
            "s", "b", GUSU, "n", "v", silent=False, anew=anew, pending="", begun_at=NOW - timedelta(seconds=5)
        )

    just, long_ago = (HomeAnswer("p", Assurance.L4, NOW - timedelta(seconds=seconds), "s") for seconds in (6, 600))
    assert proven_at(just, attempt(anew=True), NOW) == NOW
    assert proven_at(long_ago, attempt(anew=True), NOW) == long_ago.auth_time
    assert proven_at(just, attempt(anew=False), NOW) == just.auth_time


LOGOUT = {
    "iss": ISSUER,
    "aud": HUANGPU,
    "iat": AT,
    "exp": AT + 120,
    "jti": "j1",
    "sid": "s1",
    "events": {LOGOUT_EVENT: {}},
}


def hear(typ: str = "logout+jwt", **changes) -> str:
    claims = {name: value for name, value in (LOGOUT | changes).items() if value is not ...}
    return read_logout({"typ": typ}, claims, issuer=ISSUER, client_id=HUANGPU, now=NOW).sid


def test_a_logout_token_names_the_session_that_is_over() -> None:
    assert hear() == hear(typ="application/logout+jwt") == hear(aud=[HUANGPU]) == "s1"


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"typ": "JWT"}, "typ"),
        ({"typ": ""}, "typ"),
        ({"iss": "https://127.20.9.9:443"}, "iss"),
        ({"aud": GUSU}, "aud"),
        ({"aud": [HUANGPU, GUSU]}, "aud"),
        ({"iat": AT - 3600}, "iat"),
        ({"exp": AT - 60}, "iat"),
        ({"exp": ...}, "exp"),
        ({"events": {}}, "events"),
        ({"events": {LOGOUT_EVENT: True}}, "events"),
        ({"events": ...}, "events"),
        ({"nonce": "n"}, "nonce"),
        ({"sid": ...}, "sid"),
        ({"jti": ...}, "jti"),
    ],
)
def test_what_is_no_logout_token_ends_nothing(changes, claim) -> None:
    with pytest.raises(LogoutRefused) as refused:
        hear(**changes)
    assert refused.value.details == {"claim": claim}
