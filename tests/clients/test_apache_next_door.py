"""Debian's Apache with mod_auth_openidc as a site of Huangpu, and somebody who is known in Gusu: one sign-in, one sign-out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.support.calls import eventually

from .apache import Site
from .browser import Browser
from .district import GUSU, HUANGPU, District, Ground, a_district

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def site(ground: Ground) -> Site:
    """It says where its visitors are known, as a link from Gusu's pages would."""
    return Site(ground, more=f"OIDCAuthRequestParams home_district={GUSU}")


@pytest.fixture(scope="module")
def districts(ground: Ground, site: Site) -> Iterator[tuple[District, District]]:
    with ExitStack() as stack:
        gusu = stack.enter_context(a_district(ground, [], GUSU))
        huangpu = stack.enter_context(a_district(ground, [site.row], HUANGPU))
        gusu.know((HUANGPU, huangpu.issuer))
        huangpu.know((GUSU, gusu.issuer))
        stack.enter_context(site.running(huangpu.issuer))
        yield gusu, huangpu


@pytest.fixture
def gusu(districts: tuple[District, District]) -> District:
    return districts[0]


@pytest.fixture
def huangpu(districts: tuple[District, District]) -> District:
    return districts[1]


@pytest.fixture
def browser(ground: Ground) -> Iterator[Browser]:
    with Browser(ground.authority.certificate) as there:
        yield there


def signed_in(browser: Browser, gusu: District, site: Site) -> httpx.Response:
    """At home, and then at the site with nothing to fill in."""
    browser.open(gusu.issuer)
    page = browser.go(site.inside)
    assert (page.status_code, page.text) == (200, "the page inside/index.html\n"), (str(page.url), site.log[-3000:])
    return page


def asks_anew(browser: Browser, url: str) -> bool:
    return 'name="password"' in browser.go(url).text


def test_who_is_signed_in_at_home_is_known_at_the_site_with_no_page_between(browser, gusu, huangpu, site) -> None:
    page = signed_in(browser, gusu, site)
    assert all(step.status_code in (302, 303) for step in page.history)
    assert {str(step.url.copy_with(path="/", query=None)).rstrip("/") for step in page.history} == {
        site.origin,
        huangpu.issuer,
        gusu.issuer,
    }
    told = browser.get(f"{site.origin}/callback?info=json").json()
    assert (told["id_token"]["iss"], told["id_token"]["acr"]) == (huangpu.issuer, "L4")
    assert told["userinfo"]["home_district"] == GUSU


def test_a_refresh_keeps_somebody_of_next_door_signed_in(browser, gusu, site) -> None:
    signed_in(browser, gusu, site)
    before = browser.get(f"{site.origin}/callback?info=json").json()
    params = {"refresh": site.inside, "access_token": before["access_token"]}
    back = browser.go(str(httpx.URL(f"{site.origin}/callback", params=params)))
    assert "error_code" not in str(back.url), site.log[-3000:]
    after = browser.get(f"{site.origin}/callback?info=json").json()
    assert after["access_token"] != before["access_token"]
    assert after["userinfo"]["sub"] == before["userinfo"]["sub"]


def test_signing_out_at_home_ends_the_site_s_session_within_five_seconds(browser, gusu, site) -> None:
    signed_in(browser, gusu, site)
    browser.sign_out(gusu.issuer)
    eventually(lambda: browser.get(site.inside).status_code == 302, timeout_s=5)
    assert asks_anew(browser, site.inside)


def test_the_site_s_own_sign_out_ends_the_session_at_home_within_five_seconds(browser, gusu, site) -> None:
    signed_in(browser, gusu, site)
    out = browser.go(str(httpx.URL(f"{site.origin}/callback", params={"logout": f"{site.origin}/bye"})))
    assert (out.status_code, out.text) == (200, "the page bye\n"), site.log[-3000:]
    eventually(lambda: asks_anew(browser, f"{gusu.issuer}/sign-in"), timeout_s=5)
