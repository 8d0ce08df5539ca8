"""What an access token opens here, giving back a refresh token, and signing out from a relying party: over real HTTPS."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from identity.adapters.token_keys import Holder
from identity.domain.model import Assurance
from joserfc import jwt
from joserfc.jwk import OctKey

from ..provider import APP, PORTAL, PROGRAM, SHOP, okp

pytestmark = pytest.mark.engines

SIGNED_OUT = PORTAL.more["post_logout_redirect_uris"][0]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def ask(provider, token: str, path: str = "/userinfo", method: str = "GET"):
    with provider.browser() as there:
        return there.request(method, path, headers=bearer(token))


def is_signed_in(there) -> bool:
    return "已登录" in there.get("/sign-in").text


def test_userinfo_says_what_the_scope_allows_and_masks_the_name(provider, person) -> None:
    wide, narrow = provider.given(person), provider.given(person, scope="openid")
    for method in ("GET", "POST"):
        said = ask(provider, wide["access_token"], method=method)
        sub = provider.claims(wide["id_token"])["sub"]
        assert said.json() == {
            "sub": sub, "name": "样***", "kind": "person", "roles": ["citizen"], "home_district": "320508", "acr": "L4",
        }  # fmt: skip
        assert said.headers["cache-control"] == "no-store"
    assert ask(provider, narrow["access_token"]).json() == {"sub": sub}
    shop = provider.given(person, SHOP)
    assert ask(provider, shop["access_token"]).json()["sub"] == provider.claims(shop["id_token"])["sub"] != sub


def test_only_a_token_of_ours_of_an_open_session_opens_anything(provider, person, its_clock) -> None:
    given = provider.given(person)
    good = given["access_token"]
    claims = provider.claims(good)
    head, payload, signature = good.split(".")
    public = OctKey.import_key(provider.parts.signer.public["keys"][0]["x"] * 2)
    forged = [
        "x", "a.b.c", f"{head}.{payload}.", f"eyJhbGciOiJub25lIn0.{payload}.", f"{head}.{payload}.{signature[:-4]}AAAA",
        jwt.encode({"alg": "HS256", "kid": "now", "typ": "at+jwt"}, claims, public, algorithms=["HS256"]),
        jwt.encode({"alg": "EdDSA", "kid": "now", "typ": "at+jwt"}, claims, okp(), algorithms=["EdDSA"]),
        given["id_token"], given["refresh_token"],
    ]  # fmt: skip
    for path, method in (("/userinfo", "GET"), ("/account/sessions", "GET"), ("/account/sessions/x/end", "POST")):
        for token in forged:
            answer = ask(provider, token, path, method)
            assert (answer.status_code, answer.json()["code"]) == (401, "identity.token_refused"), token[:30]
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    with provider.browser() as there:
        bare = there.get("/userinfo")
        assert (bare.status_code, bare.headers["www-authenticate"]) == (401, 'Bearer realm="tongban"')
        assert there.get("/userinfo", params={"access_token": good}).status_code == 401, "never in an address"
    assert ask(provider, good).status_code == 200
    its_clock.advance(seconds=600)
    assert ask(provider, good).status_code == 401


def test_a_machine_s_token_is_about_nobody(provider) -> None:
    token = provider.parts.signer.access_token(Holder("kiosk", "kiosk", ["kiosk"], "api"), provider.clock.now())
    answer = ask(provider, token)
    assert (answer.status_code, answer.json()["code"]) == (403, "identity.scope_missing")
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


def test_a_token_ends_with_its_session_and_with_a_code_that_came_twice(provider, person) -> None:
    flow = provider.flow()
    code = provider.code(person, flow)
    token = provider.redeem(flow, code).json()["access_token"]
    assert ask(provider, token).status_code == 200
    provider.redeem(flow, code)
    assert ask(provider, token).status_code == 401
    other = provider.given(person)["access_token"]
    assert ask(provider, other).status_code == 200
    person.post("/sign-out", headers=PROGRAM)
    assert ask(provider, other).status_code == 401


def test_a_party_gives_back_a_refresh_token_and_with_it_all_that_came_of_the_code(provider, person) -> None:
    given, kept = provider.given(person), provider.given(person)
    assert provider.revoke(PORTAL, given["refresh_token"]).json() == {}
    assert provider.refresh(PORTAL, given["refresh_token"]).json()["error"] == "invalid_grant"
    assert ask(provider, given["access_token"]).status_code == 401
    assert provider.refresh(PORTAL, kept["refresh_token"]).status_code == 200
    again = [provider.revoke(PORTAL, token) for token in (given["refresh_token"], "unknown", "a.b.c")]
    assert [answer.status_code for answer in again] == [200] * 3
    assert provider.revoke(PORTAL, kept["refresh_token"], token_type_hint="access_token").status_code == 200


def test_nobody_gives_back_another_s_token_nor_an_access_token(provider, person) -> None:
    given = provider.given(person)
    wrong = provider.revoke(APP, given["refresh_token"])
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    access = provider.revoke(PORTAL, given["access_token"])
    assert (access.status_code, access.json()["error"]) == (400, "unsupported_token_type")
    assert access.json()["code"] == "identity.token_not_revocable"
    bare = provider.revoke(PORTAL, given["refresh_token"], {"client_id": "portal"})
    assert (bare.status_code, bare.json()["error"]) == (401, "invalid_client")
    nothing = provider.revoke(PORTAL, None)
    assert (nothing.status_code, nothing.json()["error"]) == (400, "invalid_request")
    assert provider.refresh(PORTAL, given["refresh_token"]).status_code == 200


def test_my_sessions_are_listed_with_their_parties_and_any_can_be_ended(provider, person, its_clock) -> None:
    with provider.browser() as elsewhere:
        its_clock.advance(minutes=1)
        provider.sign_in(elsewhere)
        provider.given(elsewhere, SHOP)
        token = provider.given(person)["access_token"]
        listed = ask(provider, token, "/account/sessions").json()["sessions"]
        newest, first = listed[0], next(row for row in listed if row["current"])
        assert [row["current"] for row in listed].count(True) == 1
        assert not newest["current"]
        assert [party["client_id"] for party in newest["parties"]] == ["shop"]
        assert first["parties"] == [{"client_id": "portal", "name": {"zh": "样例portal", "en": "Sample portal"}}]
        assert newest["signed_in_at"] > first["signed_in_at"]
        assert newest["expires_at"] > newest["signed_in_at"]
        ended = ask(provider, token, f"/account/sessions/{newest['sid']}/end", "POST")
        assert (ended.status_code, ended.content) == (204, b"")
        assert not is_signed_in(elsewhere)
        assert is_signed_in(person)
        again = ask(provider, token, f"/account/sessions/{newest['sid']}/end", "POST")
        assert (again.status_code, again.json()["code"]) == (404, "identity.session_not_found")


def test_nobody_sees_or_ends_the_sessions_of_somebody_else_nor_does_a_party_elsewhere(provider, person) -> None:
    with provider.browser() as other:
        provider.sign_in(other, "clerk")
        sid = provider.claims(provider.given(other)["id_token"])["sid"]
        token = provider.given(person)["access_token"]
        assert ask(provider, token, f"/account/sessions/{sid}/end", "POST").status_code == 404
        assert sid not in ask(provider, token, "/account/sessions").text
        shop = provider.given(person, SHOP)["access_token"]
        assert ask(provider, shop, "/account/sessions").status_code == 401
        assert is_signed_in(other)


def test_a_session_s_own_token_opens_the_list_too(provider, person) -> None:
    asked = person.post("/token", data={"grant_type": "urn:tongban:session"}, headers=PROGRAM)
    assert ask(provider, asked.json()["access_token"], "/account/sessions").status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_with_an_id_token_a_party_signs_the_person_out_and_gets_them_back(provider, person, method) -> None:
    hint = provider.given(person)["id_token"]
    fields = {"id_token_hint": hint, "post_logout_redirect_uri": SIGNED_OUT, "state": "s 1"}
    if method == "GET":
        answer = person.get("/end-session", params=fields)
    else:
        with provider.browser() as bare:  # what another site posts comes without our cookie
            answer = bare.post("/end-session", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (302, f"{SIGNED_OUT}?state=s+1")
    assert not is_signed_in(person)
    again = person.get("/end-session", params=fields)
    assert again.status_code == 302, "whoever is out already goes back as well"


def test_an_id_token_that_expired_signs_out_as_well(provider, person, its_clock) -> None:
    hint = provider.given(person)["id_token"]
    its_clock.advance(hours=1)
    assert "已退出" in person.get("/end-session", params={"id_token_hint": hint}).text
    assert not is_signed_in(person)


def test_the_browser_goes_back_to_no_address_that_is_not_registered_for_it(provider) -> None:
    wrong = [
        "https://evil.example/", SIGNED_OUT + "/", SIGNED_OUT + "?x=1", SIGNED_OUT.upper(), "//portal.example/signed-out",
        PORTAL.redirect_uri, "javascript:alert(1)", SIGNED_OUT + "%0d%0a", "",
    ]  # fmt: skip
    for uri in wrong:
        with provider.browser() as there:
            provider.sign_in(there)
            hint = provider.given(there)["id_token"]
            answer = there.get("/end-session", params={"id_token_hint": hint, "post_logout_redirect_uri": uri})
            assert (answer.status_code, "location" in answer.headers) == (200, False), uri
            assert "已退出" in answer.text
            assert not is_signed_in(there)


def test_without_a_hint_or_with_one_that_is_none_the_person_is_asked_first(provider, person, stranger) -> None:
    given = provider.given(person)
    provider.sign_in(stranger, "clerk")
    other = provider.given(stranger)["id_token"]
    asked = [
        {}, {"client_id": "portal", "post_logout_redirect_uri": SIGNED_OUT}, {"id_token_hint": "x.y.z"},
        {"id_token_hint": given["access_token"]}, {"id_token_hint": other}, {"id_token_hint": given["id_token"], "client_id": "shop"},
        {"id_token_hint": given["id_token"][:-4] + "AAAA", "post_logout_redirect_uri": SIGNED_OUT},
    ]  # fmt: skip
    for fields in asked:
        page = person.get("/end-session", params=fields)
        assert (page.status_code, "退出登录？" in page.text) == (200, True), fields
        assert is_signed_in(person)
    token = re.search(r'name="form_token" value="([0-9a-f]{64})"', page.text)[1]
    for fields, headers in (
        ({"form_token": "0" * 64}, {}),
        ({"form_token": token}, {"Origin": "https://evil.example"}),
    ):
        assert person.post("/end-session", data=fields, headers=headers).status_code == 403
        assert is_signed_in(person)
    done = person.post("/end-session", data={"form_token": token})
    assert (done.status_code, "已退出" in done.text) == (200, True)
    assert not is_signed_in(person)
    assert is_signed_in(stranger)


def test_an_unreadable_request_to_end_a_session_ends_nothing(provider, person) -> None:
    hint = provider.given(person)["id_token"]
    for query in (
        f"id_token_hint={hint}&id_token_hint={hint}",
        f"id_token_hint={hint}&state=%00",
        "form_token=x",
        "a=" + "x" * 13_000,
    ):
        assert person.get(f"/end-session?{query}").status_code == 400, query[:20]
    assert is_signed_in(person)
    assert "已退出" in person.get(f"/end-session?{urlencode({'id_token_hint': hint})}").text


def test_assurance_is_told_as_it_was_proven(provider, its_clock) -> None:
    def level(acr):
        def change(work):
            account = work.accounts.by_login("publisher")
            work.accounts.save(type(account)(**vars(account) | {"acr": acr}))

        return change

    for acr in Assurance:
        provider.parts._within(level(acr))
        with provider.browser() as there:
            provider.sign_in(there, "publisher")
            given = provider.given(there, acr_values="L5")
            assert (
                provider.claims(given["id_token"])["acr"] == provider.claims(given["access_token"])["acr"] == acr.value
            )
