"""Who signs in at one district's pages is known at the other's, and whoever is not is told apart."""

from __future__ import annotations

import base64
import json

import pytest
from tongban_cli.client import Person, Refused
from tongban_cli.visitor import Asked, Visitor

from tests.federation.conftest import GUSU, HUANGPU
from tests.support.calls import eventually

#: Seconds in which a disabled account is out everywhere while the link is up.
OUT_S = 60.0


def test_a_person_of_gusu_opens_huangpus_pages_with_nothing_to_fill_in(environment) -> None:
    huangpu = environment[HUANGPU]
    with Visitor.of(environment[GUSU], "citizen") as citizen:
        page = citizen.switch(huangpu)
        assert "来自姑苏区" in page.text
        assert all(step.is_redirect for step in page.history)
        assert str(citizen.open(f"{huangpu.portal}/cases").url) == f"{huangpu.portal}/cases"


def test_their_token_for_the_api_comes_by_code_for_the_portal(environment) -> None:
    with Visitor.of(environment[GUSU], "citizen") as citizen:
        assert citizen.get("/v1/cases")["items"] is not None


def test_staff_of_gusu_are_nobody_at_huangpus_pages(environment) -> None:
    """A district vouches for its people, never for those who work there."""
    with Visitor.of(environment[GUSU], "clerk") as clerk, pytest.raises(Asked):
        clerk.switch(environment[HUANGPU])


def test_a_disabled_account_is_out_in_both_districts_within_a_minute(environment) -> None:
    gusu, huangpu = environment[GUSU], environment[HUANGPU]
    cases = f"{huangpu.portal}/cases"
    with Visitor.of(gusu, "english") as person, Visitor.of(gusu, "citizen") as other:
        for somebody in (person, other):
            somebody.switch(huangpu)
            assert str(somebody.open(cases).url) == cases
        with Person.of(gusu, "operator") as operator:
            operator.post(f"/v1/accounts/{_subject(person)}/disable", {"reason": "tried"})
        eventually(lambda: not _sees(person, cases) and _is_out(person), OUT_S)  # both in the one minute
        assert str(other.open(cases).url) == cases
        assert other.get("/v1/cases")["items"] is not None


def _subject(person: Person) -> str:
    """Whom the person's token names."""
    claims = person.token().split(".")[1]
    subject: str = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"]
    return subject


def _sees(person: Visitor, address: str) -> bool:
    """Whether a page shows itself; else the person is led to sign in, or told that they are out where the API knew it first."""
    try:
        return str(person.open(address).url) == address
    except Refused as refused:
        assert refused.status == 401, refused
        return False


def _is_out(person: Person) -> bool:
    try:
        person.get("/v1/cases")
    except Refused as refused:
        return refused.code == "token.session_ended"
    return False
