"""A page of ours between a party's request and its answer: to prove more, or to choose for whom one acts; and back to the party."""

from __future__ import annotations

import re
from html import unescape

import pytest
from chassis.sealed import FieldKeys
from identity import samples
from identity.domain.model import Assurance

from ..factories import CREDIT_CODE, PASSWORD
from ..provider import FIELD_KEY, PORTAL, SHOP, Provider, answer_of

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def provider(database, tmp_path_factory):
    running = Provider(database.url, tmp_path_factory.mktemp("provider"), proofing="development", trial=True)
    loading = samples.Settings(database_url=database.url, field_key=FieldKeys.of(FIELD_KEY))
    people = list(samples.read_samples())
    given = {sample.login: PASSWORD for sample in people}
    samples.load_all(loading, people, list(samples.read_sample_firms()), given, running.clock)
    yield running
    running.stop()


@pytest.fixture
def weak(provider):
    """The browser of somebody whose identity nobody has proven yet."""

    def unproven(work):
        account = work.accounts.by_login("citizen2")
        work.accounts.save(type(account)(**vars(account) | {"acr": Assurance.L2}))

    provider.parts._within(unproven)
    with provider.browser() as there:
        provider.sign_in(there, "citizen2")
        yield there


@pytest.fixture
def handler(provider):
    with provider.browser() as there:
        provider.sign_in(there, "handler")
        yield there


@pytest.fixture
def firm(provider) -> str:
    return provider.parts._within(lambda work: work.firms.by_credit_code(CREDIT_CODE)).subject


def led(there, provider, path: str, party=PORTAL, **asked):
    """The page that a request leads to, and the request."""
    flow = provider.flow(party, **asked)
    answer = provider.ask(there, flow)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"{path}?pending=")
    return there.get(answer.headers["location"]), flow


def send(there, page, path: str, **fields):
    hidden = dict(re.findall(r'<input type="hidden" name="(form_token|pending)" value="([^"]*)"', page.text))
    return there.post(path, data=hidden | fields)


def on_from(there, answer, flow) -> dict[str, str]:
    """What the party is answered once the page was used."""
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/authorize?pending=")
    back = there.get(answer.headers["location"])
    assert back.headers["location"].startswith(flow.party.redirect_uri)
    return answer_of(back)


def tokens(provider, flow, answer) -> tuple[dict, dict]:
    given = provider.redeem(flow, answer["code"]).json()
    return provider.claims(given["id_token"]), provider.claims(given["access_token"])


def test_who_is_proven_too_weakly_for_the_party_proves_more_and_comes_back_with_it(provider, weak) -> None:
    page, flow = led(weak, provider, "/proofing", acr_values="L3")
    assert "需要 <strong>L3</strong>" in page.text
    assert "form-action 'self' https://portal.example" in page.headers["content-security-policy"]
    answer = on_from(weak, send(weak, page, "/proofing", way="two_elements"), flow)
    assert answer["state"] == flow.fields["state"]
    for claims in tokens(provider, flow, answer):
        assert claims["acr"] == "L3"
    assert "code" in answer_of(provider.ask(weak, provider.flow(acr_values="L3"))), "nothing is asked twice"


def test_who_would_rather_not_goes_back_as_weak_as_they_were_and_is_not_led_in_circles(provider, weak) -> None:
    page, flow = led(weak, provider, "/proofing", acr_values="L4 L3")
    way_on = unescape(re.search(r'href="(/authorize\?pending=[^"]+)"', page.text)[1])
    id_token, _ = tokens(provider, flow, answer_of(weak.get(way_on)))
    assert id_token["acr"] == "L2"


def test_a_proof_that_is_refused_says_so_and_the_request_still_waits(provider, weak) -> None:
    page, flow = led(weak, provider, "/proofing", acr_values="L4")
    again = send(weak, page, "/proofing", way="document", ends_on="2036-13-40")
    assert again.status_code == 422
    answer = on_from(weak, send(weak, again, "/proofing", way="document", ends_on="2036-01-01"), flow)
    assert "code" in answer


@pytest.mark.parametrize(
    "asked",
    [
        {"acr_values": "L3", "prompt": "none"},
        {"prompt": "none"},
        {"acr_values": "L2"},
        {"acr_values": "urn:made:up"},
        {"acr_values": ""},
    ],
)
def test_no_page_comes_where_none_is_wanted_or_none_would_help(provider, weak, asked) -> None:
    assert "code" in answer_of(provider.ask(weak, provider.flow(**asked)))


def test_staff_whose_assurance_is_not_theirs_to_raise_is_shown_no_page(provider) -> None:
    with provider.browser() as there:
        provider.sign_in(there, "publisher")
        assert "code" in answer_of(provider.ask(there, provider.flow(acr_values="L5")))


def test_a_stranger_signs_in_first_and_then_proves_more(provider, weak) -> None:
    with provider.browser() as there:
        flow = provider.flow(acr_values="L3")
        at = provider.ask(there, flow).headers["location"]
        assert at.startswith("/sign-in?pending=")
        on = provider.sign_in(there, "citizen2", at=at).headers["location"]
        assert there.get(on).headers["location"].startswith("/proofing?pending=")


def test_for_whom_one_acts_is_chosen_on_the_way_and_the_tokens_say_it(provider, handler, firm) -> None:
    page, flow = led(handler, provider, "/acting-for", acting_for="choose")
    answer = on_from(handler, send(handler, page, "/acting-for", firm=firm), flow)
    id_token, access = tokens(provider, flow, answer)
    assert (id_token["acting_for"], id_token["acting_for_name"]) == (firm, "样例科技有限公司")
    assert access["acting_for"] == firm
    page, flow = led(handler, provider, "/acting-for", acting_for="choose")
    answer = on_from(handler, send(handler, page, "/acting-for", firm=""), flow)
    for claims in tokens(provider, flow, answer):
        assert "acting_for" not in claims


def test_renewed_tokens_say_for_whom_too(provider, handler, firm) -> None:
    given = provider.given(handler)
    send(handler, handler.get("/acting-for"), "/acting-for", firm=firm)
    renewed = provider.refresh(PORTAL, given["refresh_token"]).json()
    assert provider.claims(renewed["id_token"])["acting_for_name"] == "样例科技有限公司"
    assert provider.claims(renewed["access_token"])["acting_for"] == firm
    send(handler, handler.get("/acting-for"), "/acting-for", firm="")


def test_a_party_that_knows_people_by_another_name_is_told_of_no_firm(provider, handler, firm) -> None:
    send(handler, handler.get("/acting-for"), "/acting-for", firm=firm)
    given = provider.given(handler, SHOP)
    assert provider.claims(given["id_token"]).keys().isdisjoint({"acting_for", "acting_for_name"})
    send(handler, handler.get("/acting-for"), "/acting-for", firm="")


def test_a_firm_that_is_not_theirs_is_refused_and_the_request_still_waits(provider, handler) -> None:
    page, flow = led(handler, provider, "/acting-for", acting_for="choose")
    again = send(handler, page, "/acting-for", firm="somebody-elses")
    assert again.status_code == 403
    assert "code" in on_from(handler, send(handler, again, "/acting-for", firm=""), flow)


@pytest.mark.parametrize("path", ["/proofing", "/acting-for"])
def test_nothing_that_is_no_request_of_ours_leads_anywhere(provider, handler, path) -> None:
    page = handler.get(path, params={"pending": "https://evil.example/"})
    assert page.status_code == 200
    assert "evil.example" not in page.text + page.headers["content-security-policy"]
    fields = {"way": "two_elements", "firm": "", "pending": "https://evil.example/"}
    answer = send(handler, handler.get("/acting-for"), path, **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, path)


def test_a_session_that_ended_meanwhile_signs_in_again_and_goes_on_with_the_request(provider, handler) -> None:
    page, _ = led(handler, provider, "/acting-for", acting_for="choose")
    handler.cookies.delete("__Host-tongban_session")
    assert handler.get(str(page.url)).headers["location"].startswith("/sign-in?pending=")
