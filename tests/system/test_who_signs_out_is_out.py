"""Who signs out, or is shut out, is refused at the gateway within seconds, although the access token is good for minutes more."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from tongban_cli.client import Person

from tests.support.calls import eventually, loaded

#: Logout anywhere reaches every district within so many seconds. Identity is asked every second.
PROMISE_S = 5.0


@pytest.fixture
def twice(gusu) -> Iterator[tuple[Person, Person]]:
    """One person in two browsers."""
    with Person.of(gusu, "citizen") as one, Person.of(gusu, "citizen") as other:
        yield one, other


def answer(person: Person) -> httpx.Response:
    return person.answer("GET", "/v1/cases")


def test_a_signed_out_browser_s_token_is_refused_and_the_other_browser_s_is_not(gusu, twice) -> None:
    one, other = twice
    assert (answer(one).status_code, answer(other).status_code) == (200, 200)
    left = one._http.post(f"{gusu.issuer}/sign-out", headers={"Tongban-CSRF": "1"})
    assert left.status_code == 303
    refused = eventually(lambda: found if (found := answer(one)).status_code == 401 else None, loaded(PROMISE_S))
    assert refused.json()["code"] == "token.session_ended"
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert answer(other).status_code == 200


def test_while_identity_s_process_is_away_nobody_is_kept_out_and_what_ended_meanwhile_is_told_afterwards(
    environment, gusu, twice
) -> None:
    one, other = twice
    assert answer(one).status_code == answer(other).status_code == 200
    environment.stop_process(gusu.code, "identity")
    try:
        one._http.post(f"{gusu.issuer}/sign-out", headers={"Tongban-CSRF": "1"})
        assert answer(other).status_code == 200
    finally:
        environment.start_process(gusu.code, "identity")
    refused = eventually(lambda: found if (found := answer(one)).status_code == 401 else None, loaded(15))
    assert refused.json()["code"] == "token.session_ended"
    assert answer(other).status_code == 200
