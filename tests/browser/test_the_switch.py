"""Signed in once, a person is known at the other district's pages; signed out at one, at both. Real processes, real federation."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest
from playwright.sync_api import Response, expect
from tongban_local.environment import Environment
from tongban_local.installation import Installation

from tests.browser.conftest import GUSU, HUANGPU
from tests.browser.person import Person

#: Two districts start first; a busy machine is no failure.
pytestmark = pytest.mark.timeout(1200)

#: Within how long a sign-out anywhere is one everywhere.
SIGNED_OUT_S = 5.0
OURS = "样***"


def test_a_case_is_seen_at_the_other_district_with_no_prompt(
    environment: Environment, person: Callable[..., Person], tmp_path: Path
) -> None:
    gusu, huangpu = environment[GUSU], environment[HUANGPU]
    citizen = person()
    with pages_of_identity(citizen, environment) as asked:
        citizen.sign_in(gusu, "citizen", f"/items?q=公证&district={HUANGPU}")
    assert len(asked) == 1, "signing in is one page; so a page that asks something would be seen"
    number = citizen.apply(tmp_path)
    citizen.page.goto(gusu.portal)

    with pages_of_identity(citizen, environment) as asked:
        switch(citizen, huangpu, "黄浦区")
    assert asked == []
    assert citizen.page.url == f"{huangpu.portal}/"
    citizen.look("switched-home")

    citizen.await_text(f"{huangpu.portal}/cases", number)
    citizen.look("switched-cases")
    assert re.fullmatch(rf"{GUSU}:[0-9a-f]{{40}}", applicant_of(huangpu, number)), "Huangpu has no other name for them"
    citizen.page.goto(f"{huangpu.portal}/cases/{number}")
    expect(citizen.page.get_by_role("heading", level=1)).to_be_visible()
    citizen.look("switched-case")
    for name, url in (
        ("messages", f"{huangpu.portal}/messages"),
        ("sessions", f"{huangpu.portal}/account/sessions"),
        ("proofing", f"{huangpu.issuer}/proofing"),
        ("firms", f"{huangpu.issuer}/firms"),
        ("acting-for", f"{huangpu.issuer}/acting-for"),
    ):
        citizen.page.goto(url)
        citizen.look(f"switched-{name}")
    citizen.page.goto(huangpu.portal)

    neighbour = person()
    neighbour.sign_in(huangpu, "citizen", "/cases")
    assert neighbour.page.get_by_text(number).count() == 0, "of the same login there, another person"

    citizen.page.get_by_role("link", name="English").click()
    for name, path in (
        ("home", "/"),
        ("cases", "/cases"),
        ("case", f"/cases/{number}"),
        ("messages", "/messages"),
        ("sessions", "/account/sessions"),
    ):
        citizen.page.goto(huangpu.portal + path)
        expect(citizen.page.locator("header")).to_contain_text("from Gusu")
        citizen.look(f"switched-{name}-en")

    citizen.page.goto(f"{huangpu.portal}/language?to=zh&from=/cases/{number}/withdraw")
    citizen.look("switched-withdraw")
    citizen.page.get_by_role("button", name="确认撤回").click()
    expect(citizen.page.get_by_text(re.compile("已撤回|已请求撤回")).first).to_be_visible()
    citizen.look("switched-withdrawn")
    citizen.await_text(f"{gusu.portal}/cases/{number}", "已撤回")


def test_nobody_is_asked_anything_where_home_knows_nobody(
    environment: Environment, person: Callable[..., Person]
) -> None:
    """A link that says where its user is known, in the hands of somebody who is signed in nowhere."""
    huangpu, nobody = environment[HUANGPU], person()
    with pages_of_identity(nobody, environment) as asked:
        nobody.page.goto(f"{huangpu.portal}/?home_district={GUSU}")
    assert asked == []
    assert nobody.page.url == f"{huangpu.portal}/"
    expect(nobody.page.get_by_role("link", name="登录", exact=True)).to_be_visible()


@pytest.mark.parametrize("leaves", [HUANGPU, GUSU])
def test_signing_out_at_one_district_is_signing_out_at_both(
    environment: Environment, person: Callable[..., Person], leaves: str
) -> None:
    gusu, huangpu = environment[GUSU], environment[HUANGPU]
    here, there = (huangpu, gusu) if leaves == HUANGPU else (gusu, huangpu)
    citizen = person()
    citizen.sign_in(gusu, "citizen")
    switch(citizen, huangpu, "黄浦区")
    other = citizen.context.new_page()
    other.goto(there.portal)
    expect(other.locator("header")).to_contain_text(OURS)

    citizen.page.goto(here.portal)
    citizen.page.get_by_role("button", name="退出").click()
    began = time.monotonic()
    expect(citizen.page.get_by_role("heading", name="已退出")).to_be_visible()
    while OURS in other.locator("header").inner_text() and time.monotonic() < began + SIGNED_OUT_S:
        other.goto(there.portal)
    assert OURS not in other.locator("header").inner_text()
    citizen.look(f"switched-signed-out-{leaves}")
    citizen.page.get_by_role("link", name="English").click()
    expect(citizen.page.get_by_role("heading", level=1)).to_have_text("Signed out")
    citizen.look(f"switched-signed-out-{leaves}-en")
    for place in (gusu, huangpu):
        citizen.page.goto(f"{place.portal}/cases")
        expect(citizen.page.locator("#login")).to_be_visible()
        assert citizen.page.url.startswith(place.issuer), "somebody has to say who they are again"
        citizen.look(f"switched-sign-in-{leaves}-{place.code}")


def switch(person: Person, to: Installation, name: str) -> None:
    """By the header's link; whoever comes is known there."""
    person.page.get_by_role("navigation", name="切换地区").get_by_role("link", name=name).click()
    expect(person.page).to_have_url(re.compile(re.escape(to.portal)))
    expect(person.page.locator("header")).to_contain_text(OURS)
    expect(person.page.locator("header")).to_contain_text("来自姑苏区")


def applicant_of(place: Installation, number: str) -> str:
    """What the district calls the applicant, in its own copy of the case."""
    url = place.district.owner_url("case_routing").replace("+psycopg2", "")
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT applicant_subject FROM cases WHERE number = %s", [number])
        return str(cursor.fetchone()[0])


@contextmanager
def pages_of_identity(person: Person, environment: Environment) -> Iterator[list[str]]:
    """Addresses of the pages that a provider showed instead of leading on: each would have asked something."""
    shown: list[str] = []
    issuers = tuple(environment[code].issuer for code in (GUSU, HUANGPU))

    def note(response: Response) -> None:
        if (
            response.request.is_navigation_request()
            and response.url.startswith(issuers)
            and response.status // 100 != 3
        ):
            shown.append(response.url)

    person.page.on("response", note)
    try:
        yield shown
    finally:
        person.page.remove_listener("response", note)
