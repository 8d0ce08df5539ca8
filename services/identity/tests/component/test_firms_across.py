"""A handler of a firm of Gusu at Huangpu's pages: acts for the firm on Gusu's word, for as long as Gusu gives it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from identity.domain.firms import Firm, Mandate
from identity.domain.model import Assurance
from identity.domain.policies import pairwise_subject
from identity.usecases.act_for import standing_of

from tests.support.calls import eventually

from ..factories import CREDIT_CODE, GUSU, HUANGPU, ID_NUMBER
from .two_districts import Browser, Side, claims_of, signed_in_at, two_districts

pytestmark = pytest.mark.engines

NAME = "姑苏样例有限公司"


@pytest.fixture(scope="module")
def two(engines):
    with two_districts(engines) as pair:
        with pair.gusu.work() as work:
            leads = work.accounts.by_login("representative").subject
            assert work.firms.add(Firm("firm-1", NAME, CREDIT_CODE, leads, Assurance.L4, datetime.now(UTC)))
        yield pair


@pytest.fixture
def mandate(two):
    """Of the citizen of Gusu, for one item."""
    now = datetime.now(UTC)
    ends = now + timedelta(days=1)
    given = Mandate(f"m-{now.timestamp()}", "firm-1", "样例居民", ID_NUMBER, now, ends, frozenset({"i-1"}), "x", now)
    with two.gusu.work() as work:
        work.mandates.add(given)
    yield given
    end(two.gusu, given)


def end(side: Side, mandate: Mandate) -> None:
    with side.work() as work:
        work.mandates.save(mandate.end("x", datetime.now(UTC)))


@pytest.fixture
def guest(two, mandate):
    """The citizen of Gusu at Huangpu, where they chose to act for the firm; their subject there, and the firm's."""
    with Browser(two.gusu.authority) as there:
        subject, firm = arrive(there, two), f"{GUSU}:{pairwise(two.gusu, 'firm-1')}"
        assert choose(there, two.huangpu, firm).status_code == 303
        yield there, subject, firm


def pairwise(side: Side, subject: str) -> str:
    """As `get_applicant` names them for Huangpu, in files that go there."""
    with side.work() as work:
        return pairwise_subject(work.accounts._sealing.pairwise_key, subject, HUANGPU)


def arrive(browser: Browser, two, login: str = "citizen") -> str:
    browser.sign_in(two.gusu, login)
    claims = signed_in_at(browser, two.huangpu, home_district=GUSU)
    assert claims is not None
    return claims["sub"]


def choose(browser: Browser, side: Side, firm: str):
    page = browser.get(f"{side.issuer}/acting-for").text
    token = re.search(r'name="form_token" value="([0-9a-f]{64})"', page)
    return browser.post(f"{side.issuer}/acting-for", data={"form_token": token[1], "firm": firm})


def acting_for(browser: Browser, side: Side) -> str:
    answer = browser.post(
        f"{side.issuer}/token", data={"grant_type": "urn:tongban:session"}, headers={"Tongban-CSRF": "1"}
    )
    return claims_of(answer.json()["access_token"]).get("acting_for", "")


def offered(browser: Browser, side: Side) -> bool:
    return NAME in browser.get(f"{side.issuer}/acting-for").text


def test_the_firm_is_chosen_next_door_by_the_name_that_its_cases_have_there(two, guest) -> None:
    browser, subject, firm = guest
    assert "仅限事项" in browser.get(f"{two.huangpu.issuer}/acting-for").text
    assert acting_for(browser, two.huangpu) == firm
    with two.huangpu.work() as work:
        held, by = standing_of(work, firm, subject, now=datetime.now(UTC))
    assert (held.firm.name, held.firm.credit_code, held.item_codes) == (NAME, CREDIT_CODE, {"i-1"})
    assert by.person.id_number == ID_NUMBER
    lines = two.huangpu.rows("SELECT event, detail FROM federation_log WHERE subject = %s", subject)
    assert {("may_act_for", firm), ("acts_for", firm)} <= set(lines), "audit lines of this district's own"


def test_who_acts_for_whom_stands_nowhere_in_clear(two, guest) -> None:
    kept = str(two.huangpu.rows("SELECT string_agg(foreign_firms::text, ' ') FROM foreign_firms"))
    for text in (NAME, CREDIT_CODE):
        assert text not in kept
        assert text.encode().hex() not in kept


def test_a_mandate_that_ended_at_home_is_over_next_door_and_the_person_is_not(two, guest, mandate) -> None:
    browser, subject, firm = guest
    end(two.gusu, mandate)
    eventually(lambda: not offered(browser, two.huangpu), 15)
    assert choose(browser, two.huangpu, firm).status_code == 403
    assert signed_in_at(browser, two.huangpu) is not None
    lines = two.huangpu.rows(
        "SELECT detail FROM federation_log WHERE subject = %s AND event = 'acts_no_more_for'", subject
    )
    assert (firm,) in lines


def test_a_mandate_given_after_the_switch_is_seen_next_door(two) -> None:
    with Browser(two.gusu.authority) as browser:
        arrive(browser, two, "english")
        assert not offered(browser, two.huangpu)
        with two.gusu.work() as work:
            person, now = work.accounts.by_login("english").person, datetime.now(UTC)
            ends = now + timedelta(days=1)
            work.mandates.add(
                Mandate("m-english", "firm-1", person.name, person.id_number, now, ends, frozenset(), "x", now)
            )
        eventually(lambda: offered(browser, two.huangpu), 15)


def test_whom_the_home_does_not_vouch_for_acts_for_nobody_and_nobody_of_ours_does(two, guest) -> None:
    _, _, firm = guest
    with Browser(two.gusu.authority) as stranger, Browser(two.gusu.authority) as ours:
        arrive(stranger, two, "handler")
        ours.sign_in(two.huangpu, "citizen")
        for browser in (stranger, ours):
            assert not offered(browser, two.huangpu)
            for tried in (firm, f"{GUSU}:firm-1", "firm-1"):
                assert choose(browser, two.huangpu, tried).status_code == 403
            assert acting_for(browser, two.huangpu) == ""


def test_only_peers_are_told_of_firms(two, guest) -> None:
    """`identity` is no scope of any other relying party; what a portal may ask for says nothing of firms."""
    browser, _, _ = guest
    answer = browser.post(
        f"{two.gusu.issuer}/token", data={"grant_type": "urn:tongban:session"}, headers={"Tongban-CSRF": "1"}
    )
    told = browser.get(
        f"{two.gusu.issuer}/userinfo", headers={"Authorization": f"Bearer {answer.json()['access_token']}"}
    ).json()
    assert "firms" not in told
