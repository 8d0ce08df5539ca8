"""Somebody is signed in at a relying party: the authorization endpoint over real HTTPS."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from chassis.database import Database
from identity.http.pending import LASTS
from joserfc import jws

from ..provider import APP, OLD, PORTAL, SHOP, answer_of

pytestmark = pytest.mark.engines

#: Some of REFUSED, which is asked by address.
REFUSED_IN_A_FORM = [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"code_challenge": None}, "invalid_request"),
    ({"prompt": "consent"}, "consent_required"),
    ({"prompt": "none", "max_age": "0", "id_token_hint": "x.y.z"}, "login_required"),
]


def is_page(answer, code: str = "identity.request_refused") -> bool:
    """A page of ours that says why, and nothing that leads anywhere else."""
    return (
        answer.status_code in (400, 422)
        and "location" not in answer.headers
        and code in answer.text
        and "无法继续" in answer.text
    )


def test_a_stranger_is_shown_the_form_and_then_sent_back_to_where_they_wanted_to_go(provider, stranger) -> None:
    flow = provider.flow()
    asked = provider.ask(stranger, flow)
    assert asked.status_code == 303
    at = asked.headers["location"]
    assert at.startswith("/sign-in?pending=")
    assert "form-action 'self' https://portal.example" in stranger.get(at).headers["content-security-policy"]
    signed_in = provider.sign_in(stranger, at=at)
    assert signed_in.status_code == 303
    back = stranger.get(signed_in.headers["location"])
    assert back.headers["location"].startswith(PORTAL.redirect_uri + "?")
    answer = answer_of(back)
    assert (answer["state"], answer["iss"], set(answer)) == (
        flow.fields["state"],
        provider.issuer,
        {"code", "state", "iss"},
    )
    assert provider.redeem(flow, answer["code"]).status_code == 200


def test_whoever_is_signed_in_goes_straight_back_also_with_prompt_none(provider, person) -> None:
    for prompt in (None, "none"):
        assert set(answer_of(provider.ask(person, provider.flow(prompt=prompt)))) == {"code", "state", "iss"}


def test_a_redirect_uri_with_a_query_keeps_it(provider, person) -> None:
    assert answer_of(provider.ask(person, provider.flow(SHOP)))["site"] == "1"


def test_with_prompt_none_a_stranger_is_login_required_and_the_answer_names_the_issuer(provider, stranger) -> None:
    flow = provider.flow(prompt="none")
    answer = answer_of(provider.ask(stranger, flow))
    assert (answer["error"], answer["iss"], answer["state"]) == (
        "login_required",
        provider.issuer,
        flow.fields["state"],
    )
    assert "code" not in answer


def test_prompt_login_asks_again_and_a_sign_in_since_then_answers_it(provider, person, its_clock) -> None:
    its_clock.advance(minutes=5)
    flow = provider.flow(prompt="login")
    at = provider.ask(person, flow).headers["location"]
    assert at.startswith("/sign-in?")
    assert "/sign-in" in person.get(f"/authorize?{urlsplit(at).query}").headers["location"], (
        "a form not sent answers nothing"
    )
    its_clock.advance(seconds=30)
    on = provider.sign_in(person, at=at).headers["location"]
    answer = provider.redeem(flow, answer_of(person.get(on))["code"]).json()
    assert provider.claims(answer["id_token"])["auth_time"] == provider.now


@pytest.mark.parametrize("prompt", ["select_account", "login select_account"])
def test_prompt_select_account_lets_the_person_sign_in_with_another(provider, person, its_clock, prompt) -> None:
    its_clock.advance(minutes=5)
    flow = provider.flow(prompt=prompt)
    at = provider.ask(person, flow).headers["location"]
    page = person.get(at)
    assert at.startswith("/sign-in?")
    assert 'name="password"' in page.text
    its_clock.advance(seconds=30)
    on = provider.sign_in(person, "clerk", at=at).headers["location"]
    chosen = provider.redeem(flow, answer_of(person.get(on))["code"]).json()
    assert provider.claims(chosen["access_token"])["roles"] == ["clerk"]


def by_form(provider, flow):
    """The request as a form of the party's page sends it: from another site, so without our cookies (SameSite=Lax)."""
    headers = {"Origin": "https://portal.example", "Sec-Fetch-Site": "cross-site"}
    with provider.browser(headers=headers) as cross_site:
        return cross_site.post("/authorize", data=flow.fields)


def test_a_request_in_a_form_goes_on_as_the_same_request_in_an_address(provider, person, stranger) -> None:
    flow = provider.flow()
    posted = by_form(provider, flow)
    assert posted.status_code == 303
    assert "set-cookie" not in posted.headers
    back = person.get(posted.headers["location"])
    answer = answer_of(back)
    assert back.headers["location"].startswith(PORTAL.redirect_uri + "?")
    assert (answer["state"], set(answer)) == (flow.fields["state"], {"code", "state", "iss"})
    assert provider.redeem(flow, answer["code"]).status_code == 200

    flow = provider.flow()
    at = stranger.get(by_form(provider, flow).headers["location"]).headers["location"]
    assert at.startswith("/sign-in?pending=")
    on = provider.sign_in(stranger, at=at).headers["location"]
    assert provider.redeem(flow, answer_of(stranger.get(on))["code"]).status_code == 200


def test_a_form_with_our_cookies_does_no_more_than_one_without(provider, person) -> None:
    """Nothing is done in anybody's name by a POST, whatever a browser sends with it."""
    flow = provider.flow()
    posted = person.post("/authorize", data=flow.fields)
    assert (posted.status_code, posted.headers["location"].split("=")[0]) == (303, "/authorize?pending")
    assert flow.fields["state"] not in posted.headers["location"], "sealed: in no log and no history"
    assert "code" in answer_of(person.get(posted.headers["location"]))


@pytest.mark.parametrize(("changes", "error"), REFUSED_IN_A_FORM, ids=str)
def test_a_form_is_refused_as_an_address_is(provider, person, changes, error) -> None:
    flow = provider.flow(**changes)
    answer = answer_of(person.get(by_form(provider, flow).headers["location"]))
    assert (answer["error"], answer["state"], answer["iss"]) == (error, flow.fields["state"], provider.issuer)


def test_a_form_that_breaks_a_limit_names_a_field_twice_or_an_unknown_address_ends_on_a_page(
    provider, person, stranger
) -> None:
    flow = provider.flow()
    good, form = urlencode(flow.fields), {"Content-Type": "application/x-www-form-urlencoded"}
    sealed = urlsplit(provider.ask(stranger, provider.flow()).headers["location"]).query
    bad = [
        f"{good}&client_id=portal",
        f"{good}&x={'x' * 2001}",
        f"{good}&x=%00",
        f"{good}&x=%ff",
        sealed,
        f"{good}&{sealed}",
    ]
    bad += [good + "".join(f"&f{n}=1" for n in range(40)), good + "".join(f"&f{n}={'x' * 1999}" for n in range(7))]
    bad += [good + "".join(f"&f{n}={'x' * 1999}" for n in range(5)), b"\xff"]  # too long once it is sealed
    for body in bad:
        assert is_page(person.post("/authorize", content=body, headers=form)), body[-40:]
    assert is_page(person.post(f"/authorize?{good}", content=good, headers=form)), "fields in the address too"
    assert person.post("/authorize", json=flow.fields).status_code == 415
    for wrong in ({"client_id": "nobody"}, {"redirect_uri": "https://evil.example/"}):
        posted = person.post("/authorize", content=urlencode(flow.fields | wrong), headers=form)
        assert is_page(person.get(posted.headers["location"]))


def test_max_age_asks_again_only_when_the_sign_in_is_older(provider, person, its_clock) -> None:
    its_clock.advance(seconds=100)
    assert "code" in answer_of(provider.ask(person, provider.flow(max_age="100")))
    assert provider.ask(person, provider.flow(max_age="99")).status_code == 303
    assert answer_of(provider.ask(person, provider.flow(max_age="99", prompt="none")))["error"] == "login_required"
    at = provider.ask(person, provider.flow(max_age="0")).headers["location"]
    on = provider.sign_in(person, at=at).headers["location"]
    assert "code" in answer_of(person.get(on)), "max_age=0 is answered by signing in once"


def test_a_hint_that_names_another_session_asks_who_it_is(provider, person, stranger) -> None:
    hint = provider.given(person)["id_token"]
    assert "code" in answer_of(provider.ask(person, provider.flow(id_token_hint=hint, prompt="none")))
    provider.sign_in(stranger, "clerk")
    answer = answer_of(provider.ask(stranger, provider.flow(id_token_hint=hint, prompt="none")))
    assert answer["error"] == "login_required"
    assert (
        answer_of(provider.ask(person, provider.flow(id_token_hint="x.y.z", prompt="none")))["error"]
        == "login_required"
    )


def mutations(uri: str) -> list[str]:
    """Addresses that look like `uri` to somebody who compares carelessly (RFC 9700 section 4.1)."""
    parts = urlsplit(uri)
    scheme, host, path = parts.scheme, parts.netloc, parts.path
    rest = f"{path}?{parts.query}" if parts.query else path
    return [
        "", " ", uri + "/", uri + "?", uri + "#", uri + "#x", uri + "?x=1", uri + "&x=1", uri + "/..", uri + "/../evil",
        uri + "%00", uri + "%0d%0aLocation:%20https://evil.example", uri + ".evil", uri + "%2f", uri + ";x", uri + " ",
        " " + uri, uri.upper(), uri[:-1], uri + "x", f"http://{host}{rest}", f"//{host}{rest}", f"{scheme}:{host}{rest}",
        f"{scheme}://{host}", f"{scheme}://{host}/", f"{scheme}://{host}//{rest.lstrip('/')}", f"{scheme}://{host}/./{rest.lstrip('/')}",
        f"{scheme}://{host}:443{rest}", f"{scheme}://{host}.{rest}", f"{scheme}://{host}.evil.example{rest}",
        f"{scheme}://evil.example/{host}{rest}", f"{scheme}://user@{host}{rest}", f"{scheme}://{host}@evil.example{rest}",
        f"{scheme}://evil.example#{host}{rest}", f"{scheme}://evil.example\\@{host}{rest}", f"{scheme}://x{host}{rest}",
        f"{scheme}://sub.{host}{rest}", f"{scheme}://{host.upper()}{rest}", f"javascript://{host}{rest}", f"data:text/html,{uri}",
        "https://evil.example/", "/signed-in", "null", uri.replace("e", "%65", 1), f"{scheme}://{host}{rest.replace('/', '%2F')}",
        f"{scheme}:\\\\{host}{rest}",
    ]  # fmt: skip


@pytest.mark.parametrize("party", [PORTAL, APP, SHOP], ids=lambda party: party.client_id)
def test_no_address_but_the_registered_one_is_ever_sent_to(provider, person, party) -> None:
    tried = [uri for uri in mutations(party.redirect_uri) if uri != party.redirect_uri]
    assert len(set(tried)) >= 40
    for uri in tried:
        for prompt in (None, "none"):
            assert is_page(provider.ask(person, provider.flow(party, redirect_uri=uri, prompt=prompt))), uri
    assert is_page(provider.ask(person, provider.flow(party, redirect_uri=None)))
    assert "code" in answer_of(provider.ask(person, provider.flow(party)))


def test_a_client_nobody_registered_another_s_address_and_a_doubled_field_end_on_a_page(provider, person) -> None:
    assert is_page(provider.ask(person, provider.flow(client_id="nobody")))
    assert is_page(provider.ask(person, provider.flow(client_id=None)))
    assert is_page(provider.ask(person, provider.flow(redirect_uri=SHOP.redirect_uri)))
    query = urlencode(provider.flow().fields)
    for doubled in ("redirect_uri", "client_id", "state", "code_challenge", "scope"):
        again = urlencode({doubled: "https://evil.example/"})
        assert is_page(person.get(f"/authorize?{query}&{again}")), doubled
    for broken in ("state=%00", "state=%0a", "state=%ff", "state=" + "x" * 3000):
        assert is_page(person.get(f"/authorize?{urlencode(provider.flow(state=None).fields)}&{broken}")), broken
    assert "code" in answer_of(person.get(f"/authorize?{query}"))


REFUSED = [
    ({"response_type": None}, "unsupported_response_type"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": 'code "id_token'}, "unsupported_response_type"),
    ({"scope": None}, "invalid_scope"),
    ({"scope": "profile"}, "invalid_scope"),
    ({"scope": "openid identity"}, "invalid_scope"),
    ({"scope": "openid everything"}, "invalid_scope"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": "s256"}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"code_challenge": "x" * 42 + "!"}, "invalid_request"),
    ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"prompt": "none select_account"}, "invalid_request"),
    ({"prompt": "none consent"}, "invalid_request"),
    ({"prompt": "create"}, "invalid_request"),
    ({"prompt": "consent"}, "consent_required"),
    ({"prompt": "login consent"}, "consent_required"),
    ({"max_age": "-1"}, "invalid_request"),
    ({"max_age": "soon"}, "invalid_request"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"response_mode": "form_post"}, "invalid_request"),
    ({"request": "x.y.z"}, "request_not_supported"),
    ({"request_uri": "https://evil.example/r"}, "request_uri_not_supported"),
]


@pytest.mark.parametrize("party", [PORTAL, APP], ids=lambda party: party.client_id)
@pytest.mark.parametrize(("changes", "error"), REFUSED, ids=str)
def test_what_is_not_right_goes_back_as_an_error_with_state_and_issuer(provider, person, party, changes, error) -> None:
    flow = provider.flow(party, **changes)
    response = provider.ask(person, flow)
    answer = answer_of(response)
    assert (answer["error"], answer["state"], answer["iss"]) == (error, flow.fields["state"], provider.issuer)
    assert response.headers["location"].startswith(party.redirect_uri)
    assert "code" not in answer


def test_no_field_of_a_request_decides_where_a_sign_in_leads(provider, stranger) -> None:
    evil = "https://evil.example/"
    names = (
        "next",
        "return_to",
        "continue",
        "redirect",
        "url",
        "target",
        "pending",
        "state",
        "login_hint",
        "home_district",
    )
    for name in names:
        with provider.browser() as there:
            signed_in = provider.sign_in(there, at=f"/sign-in?{urlencode({name: evil})}")
            assert signed_in.headers["location"] == "/sign-in", name
        with provider.browser() as there:
            page = there.get("/sign-in")
            assert evil not in page.text
            fields = {"login": "citizen", "password": "right horse battery staple", name: evil}
            posted = there.post("/sign-in", data=fields, headers={"Tongban-CSRF": "1"})
            assert posted.headers["location"] == "/sign-in", name
    at = provider.ask(stranger, provider.flow(**{name: evil for name in names if name != "pending"})).headers[
        "location"
    ]
    on = provider.sign_in(stranger, at=at).headers["location"]
    assert on.startswith("/authorize?pending=")
    assert stranger.get(on).headers["location"].startswith(PORTAL.redirect_uri)


def test_a_request_that_waits_cannot_be_changed_or_made_and_does_not_wait_for_ever(
    provider, stranger, its_clock
) -> None:
    at = provider.ask(stranger, provider.flow()).headers["location"]
    sealed = dict(parse_qsl(urlsplit(at).query))["pending"]
    provider.sign_in(stranger)
    changed = sealed[:40] + ("A" if sealed[40] != "A" else "B") + sealed[41:]
    for wrong in (changed, sealed[:-8], "", "x", "é", sealed * 30):
        assert is_page(stranger.get("/authorize", params={"pending": wrong})), wrong[:20]
    assert is_page(stranger.get("/authorize", params={"pending": sealed, "redirect_uri": "https://evil.example/"}))
    assert "code" in answer_of(stranger.get("/authorize", params={"pending": sealed}))
    its_clock.advance(seconds=LASTS.total_seconds())
    assert is_page(stranger.get("/authorize", params={"pending": sealed}))
    assert provider.sign_in(stranger, at=at).headers["location"] == "/sign-in"


def test_a_planted_session_is_not_the_one_that_somebody_signs_in_to(provider, stranger) -> None:
    provider.sign_in(stranger, "clerk")
    planted = stranger.cookies["__Host-tongban_session"]
    with provider.browser() as victim:
        victim.cookies.set("__Host-tongban_session", planted, domain=urlsplit(provider.issuer).hostname)
        provider.sign_in(victim)
        (fresh,) = {cookie.value for cookie in victim.cookies.jar if cookie.name == "__Host-tongban_session"} - {
            planted
        }
    for cookie, signed_in in ((planted, False), (fresh, True)):
        with provider.browser() as thief:
            thief.cookies.set("__Host-tongban_session", cookie)
            answer = answer_of(provider.ask(thief, provider.flow(prompt="none")))
        assert ("code" in answer) is signed_in


def test_signing_in_again_keeps_the_session_s_name_and_its_cookie_opens_nothing_more(
    provider, person, its_clock
) -> None:
    before, old = provider.given(person), person.cookies["__Host-tongban_session"]
    its_clock.advance(minutes=1)
    provider.sign_in(person)
    after = provider.given(person)
    sids = [provider.claims(given["id_token"])["sid"] for given in (before, after)]
    assert sids[0] == sids[1]
    assert provider.refresh(PORTAL, before["refresh_token"]).status_code == 200
    with provider.browser() as thief:
        thief.cookies.set("__Host-tongban_session", old)
        assert answer_of(provider.ask(thief, provider.flow(prompt="none")))["error"] == "login_required"
    provider.sign_in(person, "clerk")
    assert provider.claims(provider.given(person)["id_token"])["sid"] != sids[0]
    assert provider.refresh(PORTAL, after["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_party_that_was_registered_for_another_algorithm_gets_its_id_tokens_by_it(provider, person) -> None:
    given = provider.given(person, OLD)
    assert provider.claims(given["id_token"])["aud"] == "old"
    header = jws.extract_compact(given["id_token"].encode()).headers()
    assert header == {"alg": "ES256", "kid": "for-old", "typ": "JWT"}
    assert "refresh_token" not in given


def test_while_the_database_is_away_the_browser_is_told_to_come_again(provider, stranger) -> None:
    kept = provider.parts.database
    object.__setattr__(provider.parts, "database", Database("postgresql://identity:x@127.0.0.1:1/identity"))
    try:
        answer = provider.ask(stranger, provider.flow())
    finally:
        object.__setattr__(provider.parts, "database", kept)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "database.unavailable" in answer.text
