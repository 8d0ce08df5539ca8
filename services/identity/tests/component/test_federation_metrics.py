"""What a district's operators see of the federation: how switches, confirmations and logouts end, by home, and nobody's name."""

from __future__ import annotations

import os
import signal
from urllib.parse import parse_qsl, urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.calls import eventually

from ..factories import GUSU, HUANGPU
from .two_districts import Browser, Side, ended, signed_in_at, two_districts

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def two(engines):
    with two_districts(engines, TONGBAN_HOME_SILENCE_S="60") as pair:  # a home may be away, and its people still here
        yield pair


@pytest.fixture
def browser(two):
    with Browser(two.gusu.authority) as there:
        yield there


def shown(side: Side, metric: str, **labels: str) -> float:
    """The sample's value on the process' page; 0 where there is none yet."""
    text = eventually(lambda: (told := side.process.get("/metrics"))[0] == 200 and told[1], 20)
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return sum(each.value for each in samples if each.name == metric and labels.items() <= each.labels.items())


def switches(side: Side, outcome: str) -> float:
    return shown(side, "tongban_switches_total", home=GUSU, outcome=outcome)


def confirmations(side: Side, outcome: str) -> float:
    return shown(side, "tongban_home_confirmations_total", home=GUSU, outcome=outcome)


def test_switches_are_counted_by_home_and_outcome(two, browser) -> None:
    # A home on a busy machine may be away the first time.
    eventually(lambda: signed_in_at(browser, two.huangpu, home_district=GUSU) or switches(two.huangpu, "nobody"), 30)
    assert (switches(two.huangpu, "nobody"), switches(two.huangpu, "signed_in")) == (1, 0)
    browser.sign_in(two.gusu)
    eventually(lambda: signed_in_at(browser, two.huangpu, home_district=GUSU), 30)
    assert (switches(two.huangpu, "nobody"), switches(two.huangpu, "signed_in")) == (1, 1)
    for stranger in ("999999", HUANGPU):
        browser.get(f"{two.huangpu.issuer}/federation/sign-in?home_district={stranger}")
        assert shown(two.huangpu, "tongban_switches_total", home=stranger) == 0, "no label for what a stranger wrote"


def test_confirmations_are_counted_by_home_and_outcome(two, browser) -> None:
    browser.sign_in(two.gusu)
    sid = signed_in_at(browser, two.huangpu, home_district=GUSU)["sid"]
    eventually(lambda: confirmations(two.huangpu, "confirmed") > 0, 15)
    ((home_sid,),) = two.huangpu.rows("SELECT home_sid FROM foreign_sessions WHERE sid = %s", sid)
    two.gusu.rows("UPDATE sessions SET ended_at = now() WHERE sid = %s", home_sid)  # and nobody is told
    eventually(lambda: ended(two.huangpu, sid), 15)
    assert confirmations(two.huangpu, "ended") > 0


def test_a_home_that_is_away_is_counted_and_what_waits_for_it_grows_old_until_it_is_told(two, browser) -> None:
    browser.sign_in(two.gusu)
    assert signed_in_at(browser, two.huangpu, home_district=GUSU) is not None
    os.kill(two.gusu.process.pid, signal.SIGSTOP)
    try:
        eventually(lambda: confirmations(two.huangpu, "away") > 0, 30)
        browser.sign_out(two.huangpu)
        age = "tongban_logouts_oldest_seconds"
        eventually(lambda: shown(two.huangpu, age, party=GUSU) > 2, 30)
        assert shown(two.huangpu, "tongban_logouts_waiting") > 0

        def not_asked() -> bool:
            refused = browser.get(f"{two.huangpu.issuer}/federation/sign-in?home_district={GUSU}")
            if refused.status_code == 302:  # while what the home says of itself is remembered, browsers are sent there
                return False
            assert (refused.status_code, "identity.home_away" in refused.text) == (503, True)
            return True

        eventually(not_asked, 60)
        assert switches(two.huangpu, "away") > 0
    finally:
        os.kill(two.gusu.process.pid, signal.SIGCONT)
    eventually(lambda: shown(two.huangpu, age, party=GUSU) == 0, 30)
    assert shown(two.huangpu, "tongban_logout_tries_total", outcome="told") > 0


def test_an_answer_that_breaks_a_rule_is_counted(two, browser) -> None:
    away = browser.get(f"{two.huangpu.issuer}/federation/sign-in?home_district={GUSU}")
    state = dict(parse_qsl(urlsplit(str(away.next_request.url)).query))["state"]
    answer = browser.get(f"{two.huangpu.issuer}/federation/callback?code=x&state={state}&iss=https://another.example")
    assert answer.status_code == 401
    assert switches(two.huangpu, "refused") == 1
