"""Signing in and out: only for this browser, only by our own identity, and over the moment identity says so."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from joserfc.jwk import OKPKey

from services.portal.tests.fakes import CLERK, ISSUER, PORTAL
from services.portal.tests.site import field_in

pytestmark = pytest.mark.engines

SESSION = "__Host-tongban_portal"


def rows(site, table: str = "sessions") -> list:
    with site.desk.database.transaction() as connection:
        return list(connection.execute(sa.text(f"SELECT * FROM {table}")).mappings())


async def callback_url(there, to: str = "/") -> str:
    """Where identity sends this browser back to; not followed."""
    asked = await there.get("/sign-in", params={"to": to}, follow_redirects=False)
    return (await there.get(asked.headers["location"], follow_redirects=False)).headers["location"]


async def name_shown(there) -> bool:
    return "样***" in (await there.get("/")).text


def test_signing_in_uses_code_pkce_state_and_nonce_and_comes_back_where_it_began(site) -> None:
    async def journey(there):
        return await there.get("/cases")

    page = site.visit(journey, signed_in=False)
    assert page.url.path == "/cases"
    assert "样***" in page.text
    asked = site.provider.asked[0]
    assert asked["scope"] == "openid profile offline_access api"
    assert {len(asked[name]) for name in ("state", "nonce", "code_challenge")} == {43}
    assert asked["ui_locales"] == "zh-Hans"
    assert "prompt" not in asked


def test_the_cookie_is_for_this_origin_alone_and_closed_to_scripts_and_tokens_lie_sealed(site) -> None:
    async def journey(there):
        done = await there.get(await callback_url(there), follow_redirects=False)
        return next(c for c in done.headers.get_list("set-cookie") if c.startswith(f"{SESSION}="))

    cookie = site.visit(journey, signed_in=False)
    parts = {part.strip() for part in cookie.split(";")}
    assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= parts
    assert "domain" not in cookie.lower()
    (row,) = rows(site)
    assert cookie.split("=", 1)[1].split(";")[0] not in str(dict(row))
    for secret in ("access-", "refresh-", "样"):
        assert secret.encode() not in bytes(row["sealed"])


@pytest.mark.parametrize(
    "change",
    [
        {"state": "x" * 43},
        {"state": ""},
        {"iss": "https://identity.huangpu.test"},
        {"iss": ""},
        {"code": "code-of-somebody"},
        {"code": ""},
        {"error": "access_denied"},
    ],
)
def test_an_answer_that_is_not_for_this_sign_in_signs_nobody_in(site, change) -> None:
    async def journey(there):
        url = urlsplit(await callback_url(there))
        told = {name: values[0] for name, values in parse_qs(url.query).items()} | change
        return await there.get(url.path, params=told), await name_shown(there)

    page, signed_in = site.visit(journey, signed_in=False)
    assert page.status_code == 422
    assert "portal.sign_in_failed" in page.text
    assert not signed_in
    assert rows(site) == []


def test_an_answer_for_another_browser_signs_nobody_in(site) -> None:
    """Login CSRF: a victim who follows the attacker's answer is not signed in as the attacker."""

    async def journey(attacker):
        url = await callback_url(attacker)
        async with site.browser() as victim:
            return await victim.get(url), await name_shown(victim)

    page, signed_in = site.visit(journey, signed_in=False)
    assert page.status_code == 422
    assert not signed_in


def test_an_answer_is_used_once(site) -> None:
    async def journey(there):
        url = await callback_url(there)
        first = await there.get(url)
        return first, await there.get(url)

    first, second = site.visit(journey, signed_in=False)
    assert (first.status_code, second.status_code) == (200, 422)
    assert len(rows(site)) == 1


def test_somebody_who_took_too_long_signs_in_again(site) -> None:
    async def journey(there):
        url = await callback_url(there)
        site.clock.advance(minutes=11)
        return await there.get(url)

    assert site.visit(journey, signed_in=False).status_code == 422


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://elsewhere.test"},
        {"aud": "another-client"},
        {"aud": ["portal", "another-client"]},
        {"aud": ["portal", "another-client"], "azp": "another-client"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1},
        {"iat": 4_000_000_000, "exp": 4_000_000_600},
        {"sub": ""},
        {"sub": "somebody-else"},
        {"at_hash": "another"},
    ],
)
def test_an_id_token_that_says_something_else_is_not_believed(site, wrong) -> None:
    site.provider.claims = wrong

    async def journey(there):
        return await there.get("/sign-in")

    page = site.visit(journey, signed_in=False)
    assert page.status_code == 422
    assert rows(site) == []


def test_an_id_token_of_another_key_is_not_believed(site) -> None:
    async def journey(there):
        await there.get("/sign-in")  # the genuine key is known from now on
        url = await callback_url(there)
        site.provider.key = OKPKey.generate_key("Ed25519", {"kid": "now"})
        return await there.get(url)

    assert site.visit(journey, signed_in=False).status_code == 422


def test_a_cookie_that_was_there_before_is_worth_nothing_afterwards(site) -> None:
    """Session fixation: signing in makes a new session each time, and the old one ends."""

    async def journey(there):
        before = there.cookies[SESSION]
        await there.get("/sign-in")
        after = there.cookies[SESSION]
        async with site.browser() as other:
            other.cookies.set(SESSION, before, domain="portal.gusu.test")
            return before, after, await name_shown(other)

    before, after, still = site.visit(journey)
    assert before != after
    assert not still


@pytest.mark.parametrize(
    "to", ["https://evil.test/", "//evil.test/", "/\\evil.test", "javascript:alert(1)", "/a\r\nSet-Cookie: x=1", "/样"]
)
def test_nobody_is_led_to_another_site(site, to) -> None:
    async def journey(there):
        done = await there.get(await callback_url(there, to), follow_redirects=False)
        chosen = await there.get("/language", params={"to": "en", "from": to}, follow_redirects=False)
        return done.headers["location"], chosen.headers["location"]

    assert site.visit(journey, signed_in=False) == ("/", "/")


def test_whoever_comes_from_another_district_is_asked_about_there_without_a_prompt(site) -> None:
    async def journey(there):
        return await there.get("/items", params={"q": "公证", "home_district": "310101"})

    page = site.visit(journey, signed_in=False)
    assert (page.url.path, page.url.params["q"]) == ("/items", "公证")
    assert "home_district" not in page.url.params
    asked = site.provider.asked[0]
    assert (asked["prompt"], asked["home_district"]) == ("none", "310101")


def test_whoever_is_not_known_there_sees_the_page_without_being_asked(site) -> None:
    site.provider.person = None

    async def journey(there):
        return await there.get("/", params={"home_district": "310101"})

    page = site.visit(journey, signed_in=False)
    assert (page.status_code, page.url.path) == (200, "/")
    assert "登录" in page.text
    assert len(site.provider.asked) == 1


@pytest.mark.parametrize("home", ["999999", "x", "310101&prompt=login"])
def test_a_home_district_that_nobody_knows_changes_nothing(site, home) -> None:
    async def journey(there):
        return await there.get("/", params={"home_district": home})

    assert site.visit(journey, signed_in=False).url.path == "/"
    assert site.provider.asked == []


def test_identity_away_is_told_and_a_silent_question_is_left_out(site) -> None:
    site.provider.away = True

    async def journey(there):
        return await there.get("/sign-in"), await there.get("/", params={"home_district": "310101"})

    asked, silent = site.visit(journey, signed_in=False)
    assert asked.status_code == 503
    assert "暂时无法登录" in asked.text
    assert "portal.identity_unavailable" in asked.text
    assert asked.headers["retry-after"]
    assert (silent.status_code, silent.url.path) == (200, "/")


def test_tokens_are_renewed_before_they_end_and_the_old_refresh_token_is_not_used_again(site) -> None:
    async def journey(there):
        await there.get("/cases")
        for _ in range(3):
            site.clock.advance(minutes=9, seconds=30)
            assert (await there.get("/cases")).status_code == 200
        return [headers["authorization"] for headers, _ in site.gateway.sent("GET /v1/cases")]

    used = site.visit(journey)
    assert site.provider.refreshed == 3
    assert len(set(used)) == 4


def test_who_chose_elsewhere_to_act_for_a_firm_is_signed_in_anew_before_a_page_says_otherwise(site) -> None:
    """Renewed tokens act for the firm: no page, and no form that is still open, goes on as if for the person."""

    async def journey(there):
        form = {"form_token": field_in(await there.get("/messages"), "form_token")}
        site.provider.person |= {"acting_for": "firm-1", "acting_for_name": "样例科技有限公司"}
        site.clock.advance(minutes=11)
        sent = await there.post("/messages/m-1/read", data=form)
        return sent, await there.get("/messages")

    sent, after = site.visit(journey)
    assert (sent.status_code, "portal.not_signed_in" in sent.text) == (401, True)
    assert site.gateway.sent("POST /v1/messages/m-1/read") == []
    assert "代样例科技有限公司办理" in after.text


def test_a_renewed_id_token_of_somebody_else_is_not_believed(site) -> None:
    async def journey(there):
        site.provider.claims["sub"] = "somebody-else"
        site.clock.advance(minutes=11)
        return await there.get("/", follow_redirects=False)

    assert "样***" not in site.visit(journey).text
    assert rows(site) == []


def test_ten_tabs_at_once_renew_once(site) -> None:
    async def journey(there):
        site.clock.advance(minutes=11)
        return await asyncio.gather(*(there.get("/cases") for _ in range(10)))

    assert {page.status_code for page in site.visit(journey)} == {200}
    assert site.provider.refreshed == 1


def test_whoever_identity_does_not_renew_is_signed_out(site) -> None:
    async def journey(there):
        site.clock.advance(minutes=11)
        site.provider.refuses, site.provider.person = "invalid_grant", None
        return await there.get("/", follow_redirects=False)

    assert "样***" not in site.visit(journey).text
    assert rows(site) == []


def test_identity_away_at_a_renewal_throws_nobody_out(site) -> None:
    async def journey(there):
        site.clock.advance(minutes=9, seconds=30)
        site.provider.away = True
        within = await there.get("/cases")
        site.clock.advance(minutes=1)
        after = await there.get("/cases")
        site.provider.away = False
        return within, after, await there.get("/cases")

    within, after, again = site.visit(journey)
    assert (within.status_code, after.status_code, again.status_code) == (200, 503, 200)


def test_a_session_ends_after_eight_hours_however_often_it_is_used(site) -> None:
    async def journey(there):
        for _ in range(60):
            site.clock.advance(minutes=9)
            await there.get("/", follow_redirects=False)
        return await there.get("/")

    assert "样***" not in site.visit(journey).text


def test_signing_out_ends_the_session_here_and_leads_to_identity(site) -> None:
    async def journey(there):
        page = await there.get("/")
        cookie = there.cookies[SESSION]
        out = await there.post("/sign-out", data={"form_token": field_in(page, "form_token")})
        async with site.browser() as other:
            other.cookies.set(SESSION, cookie, domain="portal.gusu.test")
            return out, await name_shown(other), SESSION in there.cookies

    out, still, kept = site.visit(journey)
    assert out.url.path == "/signed-out"
    assert str(out.history[0].headers["location"]).startswith(f"{ISSUER}/end-session?id_token_hint=")
    assert "您已从所有地区的页面退出" in out.text
    assert not still
    assert not kept


def test_signing_out_works_while_identity_is_away_and_says_what_it_could_not_do(site) -> None:
    async def journey(there):
        page = await there.get("/")
        site.provider.away, site.desk.provider._metadata = True, {}
        site.desk.provider._fetched_at = float("-inf")
        return await there.post("/sign-out", data={"form_token": field_in(page, "form_token")})

    out = site.visit(journey)
    assert "其他地区的页面可能仍然登录着" in out.text
    assert rows(site) == []


def test_nobody_is_signed_out_by_another_site(site) -> None:
    async def journey(there):
        page = await there.get("/")
        token = field_in(page, "form_token")
        answers = [
            await there.post("/sign-out"),
            await there.post("/sign-out", data={"form_token": token[:-1] + ("0" if token[-1] != "0" else "1")}),
            await there.post("/sign-out", data={"form_token": token}, headers={"Origin": "https://evil.test"}),
            await there.post("/sign-out", data={"form_token": token}, headers={"Sec-Fetch-Site": "cross-site"}),
        ]
        return [answer.status_code for answer in answers], await name_shown(there)

    codes, still = site.visit(journey)
    assert codes == [415, 403, 403, 403]
    assert still


async def tell(there, token: str):
    return await there.post("/backchannel-logout", data={"logout_token": token})


def test_a_logout_told_by_identity_ends_the_session_at_once_and_only_that_one(site) -> None:
    async def journey(there):
        site.provider.person, site.provider.claims = dict(CLERK), {"sid": "sid-2"}
        async with site.browser() as other:
            await other.get("/sign-in")
            told = await tell(there, site.provider.logout_token())
            return told, await name_shown(there), "窗***" in (await other.get("/")).text

    told, still, other_still = site.visit(journey)
    assert (told.status_code, told.headers["cache-control"]) == (200, "no-store")
    assert not still
    assert other_still


def test_a_logout_told_twice_changes_nothing_more(site) -> None:
    async def journey(there):
        token = site.provider.logout_token()
        return [(await tell(there, token)).status_code for _ in range(2)]

    assert site.visit(journey) == [200, 200]


def test_a_logout_that_overtakes_the_sign_in_it_ends_still_ends_it(site) -> None:
    async def journey(there):
        url = await callback_url(there)
        await tell(there, site.provider.logout_token())
        return await there.get(url), await name_shown(there)

    page, signed_in = site.visit(journey, signed_in=False)
    assert page.status_code == 422
    assert not signed_in


def test_a_logout_of_a_person_ends_all_their_sessions(site) -> None:
    async def journey(there):
        await tell(there, site.provider.logout_token(sid=None, sub="subject-1"))
        return await name_shown(there)

    assert not site.visit(journey)


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://elsewhere.test"},
        {"aud": "another-client"},
        {"events": {}},
        {"events": None},
        {"nonce": "one"},
        {"sid": None},
        {"exp": 1},
        {"iat": 1},
    ],
)
def test_a_logout_token_that_is_none_ends_nothing(site, wrong) -> None:
    async def journey(there):
        return await tell(there, site.provider.logout_token(**wrong)), await name_shown(there)

    told, still = site.visit(journey)
    assert told.status_code == 400
    assert told.json()["error"] == "invalid_request"
    assert still


def test_an_id_token_or_a_strangers_token_is_no_logout_token(site) -> None:
    stranger = OKPKey.generate_key("Ed25519", {"kid": "now"})

    async def journey(there):
        claims = {"iss": ISSUER, "aud": "portal", "sid": "sid-1"}
        strange = site.provider.sign({"typ": "logout+jwt"}, claims, stranger)
        tokens = [site.provider.id_token("access"), strange, "x", ""]
        codes = [(await tell(there, token)).status_code for token in tokens]
        return codes, await name_shown(there)

    assert site.visit(journey) == ([400] * 4, True)


def test_only_one_token_is_read_from_a_form(site) -> None:
    async def journey(there):
        token = site.provider.logout_token()
        body = f"logout_token={token}&logout_token={token}"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return (await there.post("/backchannel-logout", content=body, headers=headers)).status_code

    assert site.visit(journey) == 400


def test_what_is_over_is_forgotten(site) -> None:
    async def journey(there):
        await tell(there, site.provider.logout_token(sid="another"))
        site.clock.advance(hours=25)
        await site.desk.within(lambda storage: storage.forget(site.clock.now()))

    site.visit(journey)
    assert rows(site) == []
    assert rows(site, "ended_sids") == []


def test_forms_may_lead_to_identities_and_to_nobody_else(site) -> None:
    async def journey(there):
        return (await there.get("/")).headers["content-security-policy"]

    policy = site.visit(journey)
    assert f"form-action 'self' {ISSUER} https://identity.huangpu.test;" in policy
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert PORTAL not in policy
