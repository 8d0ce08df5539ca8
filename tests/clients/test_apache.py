"""Debian's Apache with mod_auth_openidc: signing in, refreshing, signing out, and being told of a logout."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.calls import eventually

from .apache import Site
from .browser import Browser
from .district import District, Ground, a_district

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def site(ground: Ground) -> Site:
    return Site(ground)


@pytest.fixture(scope="module")
def district(ground: Ground, site: Site) -> Iterator[District]:
    with a_district(ground, [site.row]) as running, site.running(running.issuer):
        yield running


@pytest.fixture
def browser(ground: Ground) -> Iterator[Browser]:
    with Browser(ground.authority.certificate) as there:
        yield there


def is_inside(answer: httpx.Response, site: Site) -> bool:
    return (
        answer.status_code == 200 and str(answer.url) == site.inside and answer.text == "the page inside/index.html\n"
    )


def signed_in(browser: Browser, site: Site) -> dict:
    """Through the form; what the site knows then."""
    there = browser.sign_in(browser.go(site.inside))
    assert is_inside(there, site), (there.status_code, str(there.url), there.text[-500:], site.log[-3000:])
    return known(browser, site)


def known(browser: Browser, site: Site) -> dict:
    """The site's own view of the session (its OIDCInfoHook)."""
    return dict(browser.get(f"{site.origin}/callback?info=json").json())


def test_a_stranger_is_sent_to_the_form_and_comes_back_known(district, browser, site) -> None:
    told = signed_in(browser, site)
    claims = told["id_token"]
    assert (claims["iss"], claims["aud"], claims["acr"]) == (district.issuer, "apache-site", "L4")
    assert told["userinfo"]["sub"] == claims["sub"]
    assert told["userinfo"]["home_district"] == district.code
    assert browser.get(site.inside).headers["known-as"] == claims["sub"]


def test_whoever_is_signed_in_at_the_provider_meets_no_form(district, browser, site) -> None:
    browser.open(district.issuer)
    assert is_inside(browser.go(site.inside), site)


def test_a_refresh_gives_it_another_access_token_for_the_same_session(browser, site) -> None:
    before = signed_in(browser, site)
    params = {"refresh": site.inside, "access_token": before["access_token"]}
    back = browser.go(str(httpx.URL(f"{site.origin}/callback", params=params)))
    assert is_inside(back, site), (back.text, site.log[-3000:])
    assert "error_code" not in str(back.url)
    after = known(browser, site)
    assert after["access_token"] != before["access_token"]
    assert after["userinfo"]["sub"] == before["userinfo"]["sub"]


def test_its_own_sign_out_ends_the_session_here_too(district, browser, site) -> None:
    signed_in(browser, site)
    out = browser.go(str(httpx.URL(f"{site.origin}/callback", params={"logout": f"{site.origin}/bye"})))
    assert (out.status_code, out.text) == (200, "the page bye\n"), site.log[-3000:]
    assert any(str(step.url).startswith(f"{district.issuer}/end-session") for step in out.history)
    assert 'name="password"' in browser.go(site.inside).text


def test_signing_out_here_ends_its_session_within_five_seconds(ground, district, browser, site) -> None:
    signed_in(browser, site)
    with Browser(ground.authority.certificate) as other:
        signed_in(other, site)
        browser.sign_out(district.issuer)
        eventually(lambda: browser.get(site.inside).status_code == 302, timeout_s=5)
        assert 'name="password"' in browser.go(site.inside).text
        assert is_inside(other.get(site.inside), site), "somebody else's session, of the same person, goes on"
