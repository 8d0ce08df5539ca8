"""Signed out anywhere, signed out everywhere, because districts tell each other: homes are asked so seldom here that asking plays no part."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from identity.usecases.end_session import end_sessions

from tests.support.calls import eventually, loaded

from ..factories import GUSU, HUANGPU
from .two_districts import PATIENT, Browser, Side, ended, is_signed_out_at, signed_in_at, two_districts

pytestmark = pytest.mark.engines

SHANGCHENG = "330102"
#: Logout anywhere reaches every district within so many seconds.
PROMISE_S = 5.0


@pytest.fixture(scope="module")
def all_three(engines):
    with two_districts(engines, third=SHANGCHENG, **PATIENT) as three:
        yield three


@pytest.fixture
def browser(all_three):
    with Browser(all_three.gusu.authority) as there:
        yield there


def everywhere(browser: Browser, three, login: str = "citizen") -> dict[str, str]:
    """Signed in at Gusu, and by a switch at the two others: what each calls the session."""
    browser.sign_in(three.gusu, login)
    claims = {side.code: signed_in_at(browser, side, home_district=GUSU) for side in three.sides}
    return {code: known["sid"] for code, known in claims.items() if known}


def are_over(three, sids: dict[str, str]) -> bool:
    return all(ended(side, sids[side.code]) for side in three.sides)


def seconds_until(three, sids: dict[str, str], since: datetime) -> float:
    """How long after `since` the last of the sessions ended, by the clock of those who ended them: not of this test."""
    at = [side.rows("SELECT ended_at FROM sessions WHERE sid = %s", sids[side.code])[0][0] for side in three.sides]
    return (max(at) - since).total_seconds()


def who_said_so(side: Side, sid: str) -> list[tuple]:
    return side.rows("SELECT detail FROM federation_log WHERE sid = %s AND event = 'ended'", sid)


def test_signed_out_next_door_a_person_is_out_at_home_and_in_the_third_district_within_five_seconds(
    all_three, browser
) -> None:
    """Huangpu tells the home, the home tells Shangcheng: two tellings, each within a second of its cause."""
    sids = everywhere(browser, all_three)
    assert set(sids) == {GUSU, HUANGPU, SHANGCHENG}
    at = datetime.now(UTC)
    browser.sign_out(all_three.huangpu)
    assert ended(all_three.huangpu, sids[HUANGPU])
    eventually(lambda: are_over(all_three, sids), loaded(PROMISE_S))
    assert seconds_until(all_three, sids, at) < loaded(PROMISE_S)
    assert who_said_so(all_three.third, sids[SHANGCHENG]) == [("home",)]
    for side in all_three.sides:
        assert is_signed_out_at(browser, side), side.code


def test_signed_out_at_home_a_person_is_out_in_every_district_within_five_seconds(all_three, browser) -> None:
    sids, at = everywhere(browser, all_three), datetime.now(UTC)
    browser.sign_out(all_three.gusu)
    eventually(lambda: are_over(all_three, sids), loaded(PROMISE_S))
    assert seconds_until(all_three, sids, at) < loaded(PROMISE_S)
    for side in (all_three.huangpu, all_three.third):
        assert who_said_so(side, sids[side.code]) == [("home",)]
    assert signed_in_at(browser, all_three.huangpu, home_district=GUSU) is None


def test_signing_out_ends_that_browser_s_sessions_and_no_other_s(all_three, browser) -> None:
    with Browser(all_three.gusu.authority) as another:
        mine, others = everywhere(browser, all_three), everywhere(another, all_three)
        browser.sign_out(all_three.gusu)
        eventually(lambda: are_over(all_three, mine), loaded(PROMISE_S))
        assert not any(ended(side, others[side.code]) for side in all_three.sides)
        assert signed_in_at(another, all_three.huangpu) is not None


def test_whoever_is_shut_out_at_home_is_out_in_every_district(all_three, browser) -> None:
    sids = everywhere(browser, all_three)
    with all_three.gusu.work() as work:
        end_sessions(work, work.accounts.by_login("citizen").subject, now=datetime.now(UTC))
    eventually(lambda: are_over(all_three, sids), loaded(PROMISE_S))


def test_a_district_that_was_down_is_told_when_it_is_back_and_keeps_no_other_waiting(all_three, browser) -> None:
    sids = everywhere(browser, all_three)
    process = all_three.huangpu.process
    process.stop()
    waits = "SELECT 1 FROM logouts WHERE client_id = %s AND told_at IS NULL"
    try:
        browser.sign_out(all_three.gusu)
        eventually(lambda: ended(all_three.third, sids[SHANGCHENG]), loaded(PROMISE_S))
        eventually(lambda: all_three.gusu.rows(f"{waits} AND tries > 0", HUANGPU), loaded(10))
        assert not ended(all_three.huangpu, sids[HUANGPU])
    finally:
        process.start()
    # Asked again ten seconds after a try that failed, at the latest.
    eventually(lambda: ended(all_three.huangpu, sids[HUANGPU]), loaded(20))
    assert who_said_so(all_three.huangpu, sids[HUANGPU]) == [("home",)]
    eventually(lambda: not all_three.gusu.rows(waits, HUANGPU), loaded(10))
