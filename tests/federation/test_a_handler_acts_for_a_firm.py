"""A handler of a firm of Gusu applies for it for what Huangpu decides: who acts is seen, and nobody acts without a mandate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta

import pytest
from tongban_cli.client import Refused
from tongban_cli.visitor import Visitor

from tests.federation.conftest import GUSU, HUANGPU, application
from tests.support.calls import eventually

WAIT_S = 60
#: Seconds in which a mandate that ended has ended everywhere while the link is up, as an account that is shut out.
OUT_S = 60.0
#: Of the samples, which both districts have; and one that Gusu alone knows. Valid by GB 32100.
FIRM, OF_GUSU = "样例科技有限公司", {"name": "样例古城贸易有限公司", "credit_code": "91110000600037341L"}
#: Sample accounts of Gusu, as samples.yaml has them.
CITIZEN = {"handler_name": "样例居民", "handler_number": "110101188001010011"}
ENGLISH = {"handler_name": "Sample Resident", "handler_number": "110101188001010273"}


@pytest.fixture
def gusu(environment) -> Iterator:
    """`gusu("handler")`: a sample account of Gusu at the pages, in a browser of its own."""
    with ExitStack() as stack:
        yield lambda login: stack.enter_context(Visitor.of(environment[GUSU], login))


@pytest.fixture
def leader(gusu):
    """The firm's legal representative; the mandates that a test gave end with it."""
    representative = gusu("representative")
    representative.token()
    before = set(mandates(representative))
    yield representative
    for path in set(mandates(representative)) - before:
        representative.choose(path)


def mandates(leader) -> list[str]:
    """The forms that end the mandates in force, as the representative's page shows them."""
    page = leader.open(f"{leader._issuer}/firms").text
    return [part for part in page.split('"') if part.startswith("/firms/") and part.endswith("/end")]


def give(leader, whom: dict[str, str], name: str = FIRM) -> str:
    """A mandate for a month, for everything; the form that ends it."""
    before = set(mandates(leader))
    firm = subject_of(leader, name)
    today = date.today()
    term = {"starts_on": (today - timedelta(days=1)).isoformat(), "ends_on": (today + timedelta(days=30)).isoformat()}
    leader.choose(f"/firms/{firm}/mandates", **whom, **term)
    (path,) = set(mandates(leader)) - before
    return path


def subject_of(person, name: str) -> str:
    """The firm of that name, among those that the person may act for; "" where it is none."""
    return next((subject for subject, offered in person.firms().items() if offered == name), "")


def acting(person, name: str = FIRM):
    """The same person, acting for the firm from now on."""
    firm = subject_of(person, name)
    assert firm, f"{name} is not offered"
    person.act_for(firm)
    return person


def seen(person, number: str):
    """The case, or the code that it is refused with."""
    try:
        return person.get(f"/v1/cases/{number}")
    except Refused as refused:
        return refused.code


def decided(person, number: str, *, reasons: str = "材料齐全。") -> dict:
    """Huangpu's clerk grants it; the case as the clerk saw it before."""
    clerk = person(HUANGPU, "clerk")

    def arrived():
        case = seen(clerk, number)
        return isinstance(case, dict) and case["responsibility"]["holder"] == HUANGPU and case

    case = eventually(arrived, WAIT_S)
    clerk.post(f"/v1/cases/{number}/accept")
    clerk.post(f"/v1/cases/{number}/grant", {"reasons": reasons})
    return case


def test_what_huangpu_decides_for_a_firm_comes_back_to_the_firm(person, gusu, leader, foreign_item) -> None:
    give(leader, CITIZEN)
    handler = acting(gusu("citizen"))
    number = handler.post("/v1/cases", application(foreign_item))["number"]
    shown = decided(person, number)
    assert shown["applicant_kind"] == "firm"
    assert shown["applicant_name_masked"] == FIRM
    assert shown["applicant_id_masked"] == "91350100M000100Y43"
    assert shown["handler_name_masked"] == "样***"
    case = eventually(lambda: (case := handler.get(f"/v1/cases/{number}"))["state"] == "closed" and case, WAIT_S)
    assert (case["decision"]["granted"], case["decision"]["district"]) == (True, HUANGPU)
    other = acting(gusu("handler"))
    assert seen(other, number)["state"] == "closed", "another whom the firm lets act"
    assert number in [each["number"] for each in other.get("/v1/cases", size=100)["items"]]


def test_the_firms_case_is_nobodys_who_has_no_mandate_or_has_none_any_more(gusu, leader, foreign_item) -> None:
    ends = give(leader, CITIZEN)
    handler, other, stranger = acting(gusu("handler")), acting(gusu("citizen")), gusu("english")
    number = handler.post("/v1/cases", application(foreign_item))["number"]
    assert isinstance(seen(other, number), dict)
    assert seen(stranger, number) == "case_routing.not_yours"
    assert stranger.firms() == {}
    firm = subject_of(handler, FIRM)
    with pytest.raises(Refused) as refused:
        stranger.act_for(firm)
    assert refused.value.code == "identity.no_mandate"
    leader.choose(ends)
    assert seen(other, number) == "identity.no_mandate", "at once, with the token of before"
    other.act_for("")
    assert seen(other, number) == "case_routing.not_yours"
    assert isinstance(seen(handler, number), dict)


def test_at_huangpus_pages_a_handler_acts_for_their_firm_until_the_mandate_ends(
    environment, person, gusu, leader, foreign_item
) -> None:
    leader.choose("/firms", **OF_GUSU)
    ends = give(leader, CITIZEN, OF_GUSU["name"])
    handler = acting(gusu("citizen"), OF_GUSU["name"])
    at_gusu = handler.post("/v1/cases", application(foreign_item))["number"]
    handler.switch(environment[HUANGPU])
    there = handler.at(environment[HUANGPU])
    at_huangpu = there.post("/v1/cases", application(foreign_item))["number"]
    assert seen(there, at_huangpu)["applicant_kind"] == "person", "for whom they act is chosen in each district"
    acting(there, OF_GUSU["name"])
    assert seen(there, at_huangpu) == "case_routing.not_yours"

    number = there.post("/v1/cases", application(foreign_item))["number"]
    shown = decided(person, number)
    assert (shown["applicant_kind"], shown["applicant_name_masked"]) == ("firm", OF_GUSU["name"])
    assert (shown["applicant_id_masked"], shown["handler_name_masked"]) == (OF_GUSU["credit_code"], "样***")
    case = eventually(lambda: (case := there.get(f"/v1/cases/{number}"))["state"] == "closed" and case, WAIT_S)
    assert case["decision"]["granted"] is True
    assert eventually(lambda: isinstance(case := seen(there, at_gusu), dict) and case, WAIT_S)["number"] == at_gusu

    leader.choose(ends)
    eventually(lambda: seen(there, number) == "identity.no_mandate", OUT_S)
    assert subject_of(there, OF_GUSU["name"]) == ""
    there.act_for("")
    assert isinstance(seen(there, at_huangpu), dict), "for themself they are known as before"


def test_at_huangpus_pages_nobody_acts_for_a_firm_of_gusu_without_its_mandate(environment, gusu, leader) -> None:
    leader.choose("/firms", **OF_GUSU)
    give(leader, CITIZEN, OF_GUSU["name"])
    handler, stranger = gusu("citizen"), gusu("english")
    for each in (handler, stranger):
        each.switch(environment[HUANGPU])
    handler, stranger = (each.at(environment[HUANGPU]) for each in (handler, stranger))
    firm = subject_of(handler, OF_GUSU["name"])
    assert firm.startswith(f"{GUSU}:")
    assert subject_of(stranger, OF_GUSU["name"]) == ""
    with pytest.raises(Refused) as refused:
        stranger.act_for(firm)
    assert refused.value.code == "identity.no_mandate"
