"""Pages say where somebody is by the district's name in Chinese and English, as the registry has it; codes are for machines."""

from __future__ import annotations

import re

import pytest
from chassis.clock import FixedClock
from chassis.database import Database

from tests.support.calls import eventually

from ..factories import GUSU, HUANGPU, a_member, a_registry
from .two_districts import Browser, signed_in_at, two_districts

pytestmark = pytest.mark.engines

G, H = {"name_zh": "姑苏区", "name_en": "Gusu, Suzhou"}, {"name_zh": "黄浦区", "name_en": "Huangpu, Shanghai"}


def header(page) -> str:
    return re.search(r"<header>(.*?)</header>", page.text, re.DOTALL)[1]


@pytest.fixture(scope="module")
def two(engines):
    with two_districts(engines) as pair:
        pair.install(*named(pair))
        with Browser(pair.gusu.authority) as browser:
            for side, name in ((pair.gusu, G["name_zh"]), (pair.huangpu, H["name_zh"])):
                at = f"{side.issuer}/register"
                eventually(lambda at=at, name=name: name in header(browser.get(at)), 15)
        yield pair


def named(pair, **huangpu) -> tuple[dict, dict]:
    gusu, other = pair.members(**huangpu)
    return gusu | G, other | H


@pytest.fixture
def browser(two):
    with Browser(two.gusu.authority) as there:
        yield there


@pytest.mark.parametrize(
    "path", ["/sign-in", "/register", "/registered", "/end-session", "/authorize?client_id=nobody"]
)
def test_every_page_names_its_district_in_both_languages_and_none_shows_a_code(two, browser, path) -> None:
    page = browser.get(two.gusu.issuer + path)
    assert header(page).endswith('· 姑苏区 <span lang="en">Gusu, Suzhou</span>')
    seen = re.sub(r"<[^>]*>", " ", page.text[page.text.index("<body") :])
    assert GUSU not in seen
    assert HUANGPU not in seen


def test_a_guest_s_pages_name_their_home(two, browser) -> None:
    browser.sign_in(two.gusu)
    assert signed_in_at(browser, two.huangpu, home_district=GUSU) is not None
    for path in ("/sign-in", "/firms", "/proofing"):
        page = browser.get(two.huangpu.issuer + path)
        assert "黄浦区" in header(page)
        main = page.text[page.text.index("<main") :]
        assert "姑苏区" in main, path
        assert "Gusu, Suzhou" in main, path
        assert GUSU not in re.sub(r"<[^>]*>", " ", main), path


def test_a_refusal_names_the_home_that_was_chosen_and_repeats_no_stranger_s_words(two, browser) -> None:
    two.install(*named(two, state="suspended"))
    refused = browser.get(f"{two.gusu.issuer}/federation/sign-in?home_district={HUANGPU}")
    assert refused.status_code == 404
    assert "本区与黄浦区未开通互认" in refused.text
    assert "no open link with Huangpu, Shanghai" in refused.text
    unknown = browser.get(f"{two.gusu.issuer}/federation/sign-in?home_district=999999")
    assert "本区与所选地区未开通互认" in unknown.text
    assert "999999" not in unknown.text
    two.install(*named(two))


def test_an_error_page_names_the_district_also_while_the_database_is_away(provider, stranger) -> None:
    text = a_registry(a_member(GUSU, **G), a_member(HUANGPU, **H), version=7)
    assert GUSU in header(stranger.get("/sign-in")), "without a registry nothing else is known"
    provider.parts._within(lambda work: work.registry.keep(7, text, FixedClock().now()))
    eventually(lambda: "姑苏区" in header(stranger.get("/register")), 15)
    kept = provider.parts.database
    object.__setattr__(provider.parts, "database", Database("postgresql://identity:x@127.0.0.1:1/identity"))
    try:
        refused = provider.ask(stranger, provider.flow())
    finally:
        object.__setattr__(provider.parts, "database", kept)
    assert refused.status_code == 503
    assert "姑苏区" in header(refused)
