"""Who signs in at one district's pages is known at the other's, and whoever is not is told apart."""

from __future__ import annotations

import pytest
from tongban_cli.visitor import Asked, Visitor

from tests.federation.conftest import GUSU, HUANGPU


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
