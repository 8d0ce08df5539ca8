"""What the pages for one's own account say to a person whom another district signed in."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from identity.domain.firms import Firm, Mandate
from identity.domain.model import Assurance

from ..factories import CREDIT_CODE, GUSU
from .two_districts import Browser, claims_of, signed_in_at, two_districts

pytestmark = pytest.mark.engines

#: A firm that Huangpu does not know yet; valid by GB 32100.
OTHER_CODE = "91110000600037341L"
PROGRAM = {"Tongban-CSRF": "1", "Accept": "*/*"}


@pytest.fixture(scope="module")
def two(engines):
    with two_districts(engines, TONGBAN_PROOFING="development", TONGBAN_TRIAL="true") as pair:
        yield pair


@pytest.fixture
def guest(two):
    """A browser of somebody of Gusu who was switched to Huangpu, and their subject there."""
    with Browser(two.gusu.authority) as there:
        there.sign_in(two.gusu)
        claims = signed_in_at(there, two.huangpu, home_district=GUSU)
        assert claims is not None
        yield there, claims["sub"]


@pytest.fixture(scope="module")
def firm(two):
    """A firm of Huangpu; nobody from elsewhere leads it."""
    with two.huangpu.work() as work:
        leads = work.accounts.by_login("citizen2").subject
        firm = Firm("firm-1", "客栈有限公司", CREDIT_CODE, leads, Assurance.L4, datetime.now(UTC))
        assert work.firms.add(firm)
    return firm


def post(browser: Browser, url: str, page: str, **fields: str):
    token = re.search(r'name="form_token" value="([0-9a-f]{64})"', page)
    return browser.post(url, data=({"form_token": token[1]} if token else {}) | fields)


@pytest.mark.parametrize("path", ["/proofing", "/firms", "/acting-for", "/sign-in"])
def test_every_page_of_an_account_answers_a_guest(two, guest, path) -> None:
    browser, _ = guest
    page = browser.get(two.huangpu.issuer + path)
    assert page.status_code == 200
    if path in ("/proofing", "/firms"):
        assert "您的账户属于其他地区" in page.text
        assert "Your account is of another district" in page.text
        assert "<button" not in page.text[page.text.index("<main") :]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/proofing", {"way": "two_elements"}),
        ("/proofing", {"way": "document", "ends_on": "2040-01-01"}),
        ("/firms", {"name": "客人有限公司", "credit_code": OTHER_CODE}),
    ],
)
def test_what_a_home_said_of_a_guest_is_not_raised_here_and_no_firm_is_theirs(two, guest, path, fields) -> None:
    browser, subject = guest
    form = browser.get(f"{two.huangpu.issuer}/acting-for").text
    page = post(browser, two.huangpu.issuer + path, form, **fields)
    assert page.status_code == 403
    assert "请在所属地区办理，或使用本区账户" in page.text
    problem = browser.post(two.huangpu.issuer + path, data=fields, headers=PROGRAM)
    assert (problem.status_code, problem.json()["code"]) == (403, "identity.known_elsewhere")
    assert two.huangpu.rows("SELECT 1 FROM proofs WHERE subject = %s OR by = %s", subject, subject) == []
    assert two.huangpu.rows("SELECT 1 FROM firms WHERE credit_code = %s", OTHER_CODE) == []


def test_a_guest_acts_for_a_firm_of_this_district_that_named_them(two, guest, firm) -> None:
    """A mandate names a person by number, wherever they are known; without one the firm is another's."""
    browser, subject = guest
    address = f"{two.huangpu.issuer}/acting-for"
    now = datetime.now(UTC)
    with two.huangpu.work() as work:
        person = work.accounts.get(subject).person

    refused = post(browser, address, browser.get(address).text, firm=firm.subject)
    assert refused.status_code == 403
    assert "请重新选择" in refused.text

    mandate = Mandate(
        "mandate-1", firm.subject, person.name, person.id_number, now, now + timedelta(days=1), frozenset(), "test", now
    )
    with two.huangpu.work() as work:
        work.mandates.add(mandate)
    page = browser.get(address)
    assert firm.name in page.text
    assert post(browser, address, page.text, firm=firm.subject).status_code == 303
    assert browser.get(address).status_code == 200
    answer = browser.post(
        f"{two.huangpu.issuer}/token", data={"grant_type": "urn:tongban:session"}, headers={"Tongban-CSRF": "1"}
    )
    claims = claims_of(answer.json()["access_token"])
    assert (claims["sub"], claims["acting_for"]) == (subject, firm.subject)


def test_a_guest_whose_session_is_weaker_than_their_account_acts_for_nobody(two, guest, firm) -> None:
    browser, subject = guest
    address = f"{two.huangpu.issuer}/acting-for"
    with two.huangpu.work() as work:
        account = work.accounts.get(subject)
        now = datetime.now(UTC)
        number = account.person.id_number
        work.mandates.add(
            Mandate("mandate-2", firm.subject, "客人", number, now, now + timedelta(days=1), frozenset(), "test", now)
        )
    two.huangpu.rows("UPDATE foreign_sessions SET acr = 'L3' WHERE subject = %s RETURNING 1", subject)
    refused = post(browser, address, browser.get(address).text, firm=firm.subject)
    assert refused.status_code == 403
