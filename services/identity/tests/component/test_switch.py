"""Signed in once, known in every district: the switch with no prompt, and known only as long as home says so, between two real providers."""

from __future__ import annotations

import os
import signal
import time

import pytest
from identity.adapters.homes import METADATA_S

from tests.support.calls import eventually

from ..factories import GUSU, HUANGPU
from .two_districts import (
    NOBODY,
    Browser,
    came_back,
    claims_of,
    ended,
    is_signed_out_at,
    open_portal,
    redeem,
    signed_in_at,
    two_districts,
)

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def two(engines):
    with two_districts(engines) as pair:
        yield pair


@pytest.fixture
def browser(two):
    with Browser(two.gusu.authority) as there:
        yield there


def at_both(browser, two, login: str = "citizen") -> dict:
    """Signed in at Gusu, and by a switch at Huangpu; the claims of Huangpu's portal's token."""
    browser.sign_in(two.gusu, login)
    claims = signed_in_at(browser, two.huangpu, home_district=GUSU)
    assert claims is not None
    assert signed_in_at(browser, two.gusu) is not None
    return claims


def test_signed_in_at_home_a_person_is_signed_in_next_door_with_no_prompt(two, browser) -> None:
    browser.sign_in(two.gusu)
    answer = open_portal(browser, two.huangpu, home_district=GUSU)
    told = came_back(answer)
    assert (told["state"], told["iss"]) == ("state of the portal", two.huangpu.issuer)
    assert all(step.status_code in (302, 303) for step in answer.history)
    tokens = redeem(browser, two.huangpu, told["code"])
    claims = claims_of(tokens["access_token"])
    home, _, name = claims["sub"].partition(":")
    assert (home, claims["home"], claims["roles"], claims["acr"]) == (GUSU, GUSU, ["citizen"], "L4")
    assert (claims["district"], claims["iss"]) == (HUANGPU, two.huangpu.issuer)
    with two.gusu.work() as work:
        own = work.accounts.by_login("citizen").subject
    assert name not in ("", own)
    ((event, home, subject, detail),) = two.huangpu.rows(
        "SELECT event, home, subject, detail FROM federation_log WHERE sid = %s", claims["sid"]
    )
    assert (event, home, subject, detail) == ("signed_in", GUSU, claims["sub"], "L4"), "an audit line of its own"


def test_the_person_is_the_one_that_the_home_names_in_files_for_this_district(two, browser) -> None:
    """`get_applicant` at home gives the subject that a case carries; the taker and the switch make the same name of it."""
    from identity.domain.policies import pairwise_subject

    claims = at_both(browser, two)
    with two.gusu.work() as work:
        own = work.accounts.by_login("citizen").subject
        key = work.accounts._sealing.pairwise_key
    assert claims["sub"] == f"{GUSU}:{pairwise_subject(key, own, HUANGPU)}"


def test_name_and_number_come_from_home_sealed_and_others_may_ask_for_them(two, browser) -> None:
    claims = at_both(browser, two)
    with two.huangpu.work() as work:
        account = work.accounts.get(claims["sub"])

    with two.gusu.work() as work:
        at_home = work.accounts.by_login("citizen")
    assert (account.person.name, account.person.id_number) == (at_home.person.name, at_home.person.id_number)
    kept = two.huangpu.rows(
        "SELECT foreign_accounts::text, foreign_sessions::text, federation_log::text, switches::text FROM"
        " foreign_accounts LEFT JOIN foreign_sessions USING (subject) LEFT JOIN federation_log USING (subject)"
        " LEFT JOIN switches ON true"
    )
    assert at_home.person.id_number not in str(kept)
    assert at_home.person.name not in str(kept)


def test_a_browser_remembers_its_home_once_it_was_chosen(two, browser) -> None:
    page = open_portal(browser, two.huangpu)
    assert page.status_code == 200
    assert page.text.index("其他地区的账户") < page.text.index("An account of another district")
    link = browser.get(f"{two.huangpu.issuer}/sign-in").text
    assert f"home_district={GUSU}" in link
    chosen = next(part for part in page.text.split('"') if part.startswith("/federation/sign-in?"))
    at_home = browser.go(two.huangpu.issuer + chosen.replace("&amp;", "&"))
    assert str(at_home.url).startswith(two.gusu.issuer), "not signed in there, so the home shows its form"
    between = browser.sign_in(two.gusu, page=at_home)
    assert between.status_code == 200
    assert 'http-equiv="refresh"' in between.text
    on = next(part for part in between.text.split('"') if part.startswith("/authorize?"))
    assert "code" in came_back(browser.go(two.huangpu.issuer + on.replace("&amp;", "&")))
    browser.sign_out(two.huangpu)
    eventually(lambda: is_signed_out_at(browser, two.gusu))
    browser.sign_in(two.gusu)
    assert signed_in_at(browser, two.huangpu) is not None, "the second time the home is asked by itself"


def test_who_is_not_signed_in_at_home_gets_our_page_or_an_answer_and_never_a_loop(two, browser) -> None:
    page = open_portal(browser, two.huangpu, home_district=GUSU)
    assert page.status_code == 200
    assert str(page.url).startswith(f"{two.huangpu.issuer}/sign-in")
    assert "尚未登录" in page.text
    assert len(page.history) < 8
    told = came_back(open_portal(browser, two.huangpu, home_district=GUSU, prompt="none"))
    assert (told["error"], told["state"]) == ("login_required", "state of the portal")
    assert "code" in came_back(browser.sign_in(two.huangpu, page=page)), "an account of this district does as well"


def test_staff_is_staff_at_home_alone(two, browser) -> None:
    browser.sign_in(two.gusu, "clerk")
    assert signed_in_at(browser, two.gusu)["roles"] == ["clerk"]
    assert signed_in_at(browser, two.huangpu, home_district=GUSU) is None


def test_nobody_is_vouched_for_on_another_district_s_word(two, browser) -> None:
    """Huangpu knows the person by Gusu's word; it gives a third district nobody but its own people."""
    at_both(browser, two)
    two.install(*two.members(), a_third := {**two.members()[1], "code": "330102", "issuer": NOBODY})
    fields = {"client_id": "330102", "scope": "openid identity", "prompt": "none"}
    told = came_back(
        open_portal(browser, two.huangpu, **fields, redirect_uri=f"{a_third['issuer']}/federation/callback")
    )
    assert told["error"] == "login_required"
    told = came_back(open_portal(browser, two.gusu, **fields, redirect_uri=f"{a_third['issuer']}/federation/callback"))
    assert "code" in told, "their home does"
    two.install()


def test_a_session_is_confirmed_at_home_again_and_again(two, browser) -> None:
    claims = at_both(browser, two)
    first = two.huangpu.rows("SELECT confirmed_at FROM foreign_sessions WHERE sid = %s", claims["sid"])
    eventually(
        lambda: two.huangpu.rows("SELECT confirmed_at FROM foreign_sessions WHERE sid = %s", claims["sid"]) > first
    )
    eventually(lambda: two.gusu.rows("SELECT 1 FROM grants WHERE client_id = %s AND generation > 1", HUANGPU), 20)
    assert not ended(two.huangpu, claims["sid"])


def test_what_the_home_refuses_ends_at_once_also_where_no_logout_arrived(two, browser) -> None:
    claims = at_both(browser, two)
    ((home_sid,),) = two.huangpu.rows("SELECT home_sid FROM foreign_sessions WHERE sid = %s", claims["sid"])
    two.gusu.rows("UPDATE sessions SET ended_at = now() WHERE sid = %s", home_sid)  # and nobody is told
    eventually(lambda: ended(two.huangpu, claims["sid"]), 10)


def test_a_home_that_is_silent_for_too_long_ends_its_people_s_sessions_and_no_sooner(two, browser) -> None:
    claims = at_both(browser, two)
    os.kill(two.gusu.process.pid, signal.SIGSTOP)
    try:
        eventually(lambda: ended(two.huangpu, claims["sid"]), 40)
        ((silent,),) = two.huangpu.rows(
            "SELECT extract(epoch FROM s.ended_at - l.at) FROM sessions s JOIN federation_log l USING (sid)"
            " WHERE sid = %s AND event = 'signed_in'", claims["sid"],
        )  # fmt: skip
        assert silent >= 6
        time.sleep(METADATA_S)  # so long a home is taken to be there
        page = open_portal(browser, two.huangpu, home_district=GUSU)
        assert "暂时无法连接" in page.text
    finally:
        os.kill(two.gusu.process.pid, signal.SIGCONT)
    assert eventually(lambda: signed_in_at(browser, two.gusu), 30), "at home nobody was signed out by that"


def test_a_suspended_district_s_people_are_refused(two, browser) -> None:
    at_both(browser, two)
    two.install(*two.members(state="suspended"))
    with Browser(two.gusu.authority) as fresh:
        fresh.sign_in(two.gusu)
        page = open_portal(fresh, two.huangpu, home_district=GUSU)
        assert page.status_code == 200
        answer = fresh.get(f"{two.huangpu.issuer}/federation/sign-in?home_district={GUSU}")
        assert (answer.status_code, "identity.not_a_peer" in answer.text) == (404, True)
        two.install()
        assert signed_in_at(fresh, two.huangpu, home_district=GUSU) is not None
