"""The web process on a real database: signing in and out, tokens, and what it says of itself."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace

import httpx
import pytest
from chassis.clock import new_id
from chassis.database import Database
from identity.domain.model import Role
from identity.domain.policies import SESSION_LIFETIME
from identity.usecases.disable_account import disable_account
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey
from sqlalchemy import text

from ..factories import PASSWORD
from .web import ISSUER, KIOSK_KEY, PROGRAM, browser, run, sign_in, token_in

pytestmark = pytest.mark.engines

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_the_form_works_without_script_and_is_chinese_first(parts) -> None:
    async def journey():
        async with browser(parts) as there:
            return await there.get("/sign-in")

    page = run(journey())
    assert page.status_code == 200
    assert '<html lang="zh-Hans">' in page.text
    assert page.text.index("用户名") < page.text.index("User name")
    assert "<script" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-store"


def test_the_right_password_signs_in_with_a_cookie_no_script_and_no_other_site_can_have(parts) -> None:
    async def journey():
        async with browser(parts) as there:
            done = await sign_in(there, " CITIZEN ")
            return done, await there.get("/sign-in")

    done, page = run(journey())
    assert (done.status_code, done.headers["location"]) == (303, "/sign-in")
    cookie = next(c for c in done.headers.get_list("set-cookie") if c.startswith("__Host-tongban_session="))
    assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "domain" not in cookie.lower()
    assert "样***" in page.text
    assert "样例居民" not in page.text


def test_every_refusal_is_the_same_answer(parts) -> None:
    parts._within(lambda work: work.accounts.save(work.accounts.by_login("agent").shut_out()))

    async def journey():
        answers = []
        wrong = [("citizen", "wrong"), ("nobody", "wrong"), ("nobody", PASSWORD), ("agent", PASSWORD), ("", "")]
        wrong += [("x" * 100, PASSWORD), ("citizen", PASSWORD + "x" * 300)]
        for login, password in wrong:
            async with browser(parts) as there:
                answers.append(
                    await there.post(
                        "/sign-in", data={"login": login, "password": password}, headers={**PROGRAM, "Accept": "*/*"}
                    )
                )
        return answers

    answers = run(journey())
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["code"] == "identity.sign_in_refused"
    assert answers[0].headers["content-type"] == "application/problem+json"


def test_a_name_that_nobody_has_takes_as_much_work_as_a_wrong_password(parts) -> None:
    """In time of the processor, which a busy machine does not change."""

    async def once(login: str) -> float:
        async with browser(parts) as there:
            began = time.process_time()
            await there.post("/sign-in", data={"login": login, "password": "wrong"}, headers=PROGRAM)
            return time.process_time() - began

    async def journey():
        return [sorted([await once(f"{login}") for _ in range(5)])[2] for login in ("clerk", "nobody-else")]

    known, unknown = run(journey())
    assert 0.5 < known / unknown < 2.0


def test_a_refused_form_keeps_the_name_but_never_the_password(parts) -> None:
    async def journey():
        async with browser(parts) as there:
            return await sign_in(there, '"><b>x', "not the password")

    page = run(journey())
    assert page.status_code == 401
    assert "不正确" in page.text
    assert "not the password" not in page.text
    assert "<b>x" not in page.text


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({}, {}),
        ({"form_token": "0" * 64}, {}),
        ({"form_token": "é"}, {}),
        ({}, {"Tongban-CSRF": "1", "Origin": "https://elsewhere.example"}),
        ({}, {"Tongban-CSRF": "1", "Sec-Fetch-Site": "cross-site"}),
    ],
    ids=["no token", "made-up token", "no ASCII", "other origin", "cross-site"],
)
def test_what_another_site_could_send_signs_nobody_in_or_out(parts, fields, headers) -> None:
    async def journey():
        async with browser(parts) as there:
            await sign_in(there)
            answers = [
                await there.post("/sign-in", data={"login": "clerk", "password": PASSWORD, **fields}, headers=headers),
                await there.post("/sign-out", data=fields or {"a": ""}, headers=headers),
                await there.post("/token", data={"grant_type": "urn:tongban:session"}, headers=headers),
            ]
            return answers, await there.get("/sign-in")

    answers, page = run(journey())
    assert [answer.status_code for answer in answers] == [403, 403, 400]
    assert answers[-1].json()["error"] == "invalid_request"
    assert "已登录" in page.text


def test_another_browser_s_form_token_signs_nobody_in(parts) -> None:
    async def journey():
        async with browser(parts) as there, browser(parts) as attacker:
            foreign = token_in(await attacker.get("/sign-in"))
            return await sign_in(there, form_token=foreign)

    assert run(journey()).status_code == 403


def test_signing_in_changes_the_session_and_signing_out_ends_it(parts) -> None:
    async def journey():
        async with browser(parts) as there:
            await sign_in(there)
            first = there.cookies["__Host-tongban_session"]
            await there.post("/sign-in", data={"login": "citizen", "password": PASSWORD}, headers=PROGRAM)
            second = there.cookies["__Host-tongban_session"]
            out = await there.post("/sign-out", data={"form_token": token_in(await there.get("/sign-in"))})
            left = "__Host-tongban_session" in there.cookies
        answers = []
        for cookie in (first, second):
            async with browser(parts, Cookie=f"__Host-tongban_session={cookie}") as thief:
                answers.append(await thief.post("/token", data={"grant_type": "urn:tongban:session"}, headers=PROGRAM))
        return first != second, out.status_code, left, answers

    rotated, status, left, answers = run(journey())
    assert (rotated, status, left) == (True, 303, False)
    assert [answer.json()["code"] for answer in answers] == ["identity.not_signed_in"] * 2


async def session_token(there) -> httpx.Response:
    return await there.post("/token", data={"grant_type": "urn:tongban:session"}, headers=PROGRAM)


def claims_of(parts, answer: httpx.Response) -> dict:
    keys = KeySet.import_key_set(parts.signer.public)
    return jwt.decode(answer.json()["access_token"], keys, algorithms=["EdDSA"]).claims


def test_a_session_is_exchanged_for_a_short_token_that_says_who_and_how_strongly(parts, clock) -> None:
    async def journey():
        async with browser(parts) as there:
            await sign_in(there, "clerk")
            clock.advance(minutes=5)
            return await session_token(there)

    answer = run(journey())
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 600)
    claims = claims_of(parts, answer)
    assert (claims["iss"], claims["aud"], claims["roles"], claims["acr"]) == (
        ISSUER,
        ["tongban-gateway:320508", ISSUER],
        ["clerk"],
        "L5",
    )
    assert (claims["scope"], claims["client_id"]) == ("openid profile api", "tongban-session")
    assert len(claims["sid"]) == 22
    assert claims["iat"] - claims["auth_time"] == 300
    assert claims["exp"] - claims["iat"] == 600


def test_a_session_ends_after_eight_hours_and_with_its_account(parts, clock) -> None:
    async def journey():
        async with browser(parts) as there:
            await sign_in(there, "publisher")
            before = await session_token(there)
            clock.advance(seconds=SESSION_LIFETIME.total_seconds())
            late = await session_token(there)
            clock.advance(seconds=-SESSION_LIFETIME.total_seconds())
            again = await session_token(there)
            subject = claims_of(parts, again)["sub"]
            parts._within(lambda work: disable(work, subject))
            return before, late, again, await session_token(there)

    def disable(work, subject):
        work.record = lambda event: None
        disable_account(work, subject, "test", by="operator", now=parts.now())

    assert [answer.status_code for answer in run(journey())] == [200, 400, 200, 400]


def client_assertion(parts, key=KIOSK_KEY, **changes) -> str:
    now = int(parts.now().timestamp())
    claims = {"iss": "kiosk-1", "sub": "kiosk-1", "aud": f"{ISSUER}/token", "jti": str(new_id()), "exp": now + 60}
    return jwt.encode({"alg": "EdDSA"}, claims | changes, key, algorithms=["EdDSA"])


async def client_token(there, assertion: str, **changes) -> httpx.Response:
    fields = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    return await there.post("/token", data=fields | changes)


def test_a_client_gets_a_token_for_its_key_once_per_assertion_also_at_the_same_moment(parts) -> None:
    async def journey():
        async with browser(parts) as there:
            signed = client_assertion(parts)
            return await asyncio.gather(*(client_token(there, signed) for _ in range(16)))

    answers = run(journey())
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 15
    claims = claims_of(parts, next(answer for answer in answers if answer.status_code == 200))
    assert (claims["sub"], claims["client_id"], claims["roles"]) == ("kiosk-1", "kiosk-1", [Role.KIOSK.value])
    assert not {"acr", "sid", "auth_time"} & claims.keys()
    assert claims["scope"] == "api"
    refused = next(answer for answer in answers if answer.status_code == 401)
    assert (refused.json()["error"], refused.json()["code"]) == ("invalid_client", "identity.client_refused")
    assert refused.headers["www-authenticate"]


def test_a_client_nobody_knows_and_a_wrong_key_are_refused_alike(parts) -> None:
    async def journey():
        async with browser(parts) as there:
            return [
                await client_token(there, client_assertion(parts, iss="nobody", sub="nobody")),
                await client_token(there, client_assertion(parts, OKPKey.generate_key("Ed25519"))),
                await client_token(there, client_assertion(parts), client_id="kiosk-2"),
                await client_token(there, client_assertion(parts), client_assertion_type="other"),
                await client_token(there, "x" * 9000),
                await client_token(there, client_assertion(parts, iss="a\x00", sub="a\x00")),
            ]

    answers = run(journey())
    assert len({(answer.status_code, answer.text) for answer in answers}) == 1
    assert answers[0].status_code == 401


def is_oauth_error(answer: httpx.Response) -> bool:
    """RFC 6749 section 5.2: the media type, the two members and their characters, and that nobody keeps the answer."""
    body = answer.json()
    return (
        answer.headers["content-type"] == "application/json"
        and (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
        and re.fullmatch(r"[a-z_]+", body["error"]) is not None
        and re.fullmatch(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+", body["error_description"]) is not None
        and not {"type", "title", "status", "detail"} & body.keys()
    )


def test_every_refusal_of_a_token_is_an_error_as_oauth_has_them(parts) -> None:
    async def journey():
        async with browser(parts) as there:
            return {
                "invalid_client": await client_token(there, "nonsense"),
                "invalid_grant": await session_token(there),
                "unsupported_grant_type": await there.post("/token", data={"grant_type": "password"}),
                "invalid_request": await there.post("/token", content=b"a=1&a=2", headers=FORM),
            }

    answers = run(journey())
    assert {name: answer.json()["error"] for name, answer in answers.items()} == {name: name for name in answers}
    assert {name: answer.status_code for name, answer in answers.items()} == {
        "invalid_client": 401,
        "invalid_grant": 400,
        "unsupported_grant_type": 400,
        "invalid_request": 400,
    }
    assert all(is_oauth_error(answer) for answer in answers.values())


def test_while_the_database_is_away_a_token_is_refused_for_now_and_not_for_good(parts) -> None:
    away = replace(parts, database=Database("postgresql://identity:x@127.0.0.1:1/identity"))  # nobody listens on port 1

    async def journey():
        async with browser(away) as there:
            return await client_token(there, client_assertion(parts))

    answer = run(journey())
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert answer.json()["code"] == "database.unavailable"
    assert int(answer.headers["retry-after"]) > 0
    assert is_oauth_error(answer)


@pytest.mark.parametrize("grant", ["password", "", "implicit"])
def test_there_is_no_password_grant_nor_any_other(parts, grant) -> None:
    async def journey():
        async with browser(parts) as there:
            fields = {"grant_type": grant, "username": "citizen", "password": PASSWORD}
            return await there.post("/token", data=fields, headers=PROGRAM)

    answer = run(journey())
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{}", {"Content-Type": "application/json"}, 415),
        (b"grant_type=%ff", {"Content-Type": "application/x-www-form-urlencoded"}, 422),
        (b"a=1&a=2", {"Content-Type": "application/x-www-form-urlencoded"}, 422),
        (b"login=%00", {"Content-Type": "application/x-www-form-urlencoded"}, 422),
        (b"&".join(b"a%d=1" % n for n in range(30)), {"Content-Type": "application/x-www-form-urlencoded"}, 422),
        (b"a=" + b"x" * 2**20, {"Content-Type": "application/x-www-form-urlencoded"}, 413),
    ],
    ids=["json", "no UTF-8", "twice", "NUL", "many fields", "too large"],
)
@pytest.mark.parametrize("path", ["/token", "/sign-in", "/sign-out"])
def test_an_unreadable_form_is_refused_as_each_page_refuses(parts, path, content, headers, status) -> None:
    async def journey():
        async with browser(parts, Accept="*/*") as there:
            return await there.post(path, content=content, headers=headers)

    answer = run(journey())
    if path == "/token" and status != 413:  # that one is refused by its length, before anybody reads what it is for
        assert is_oauth_error(answer)
        assert (answer.json()["error"], answer.status_code) == ("invalid_request", 400 if status == 422 else status)
    else:
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["code"].startswith("request.")


def test_the_metadata_claims_only_what_is_there(parts) -> None:
    async def journey():
        async with browser(parts) as there:
            described = (await there.get("/.well-known/openid-configuration")).json()
            same = (await there.get("/.well-known/oauth-authorization-server")).json()
            keys = (await there.get(described["jwks_uri"])).json()
            grants = [
                await there.post(described["token_endpoint"], data={"grant_type": grant})
                for grant in described["grant_types_supported"]
            ]
            return described, same, keys, grants

    described, same, keys, grants = run(journey())
    assert described == same
    assert described["issuer"] == ISSUER
    assert described["id_token_signing_alg_values_supported"] == ["EdDSA"]
    assert [key["kid"] for key in keys["keys"]] == ["now", "before"]
    assert not any("d" in key for key in keys["keys"])
    assert all(grant.json()["error"] != "unsupported_grant_type" for grant in grants)
    assert {"authorization_code", "refresh_token"} <= set(described["grant_types_supported"])


def test_every_address_that_the_metadata_names_is_there(parts) -> None:
    async def journey():
        async with browser(parts) as there:
            described = (await there.get("/.well-known/openid-configuration")).json()
            addresses = [value for name, value in described.items() if name.endswith(("_endpoint", "_uri"))]
            return {address: (await there.request("PROPFIND", address)).status_code for address in addresses}

    answers = run(journey())
    assert set(answers.values()) == {405}
    assert len(answers) >= 3


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "request.no_such_resource"),
        ("DELETE", "/sign-in", 405, "request.method_not_allowed"),
        ("GET", "/token", 405, "request.method_not_allowed"),
    ],
)
def test_what_http_refuses_is_a_problem_too(parts, method, path, status, code) -> None:
    async def journey():
        async with browser(parts) as there:
            return await there.request(method, path)

    answer = run(journey())
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert status != 405 or answer.headers["allow"]


def test_readiness_asks_the_database_and_metrics_are_not_for_the_public(parts) -> None:
    async def journey():
        async with browser(parts) as there:
            return [(await there.get(path)).status_code for path in ("/livez", "/readyz", "/metrics")]

    assert run(journey()) == [200, 200, 404]


def test_nothing_in_the_sessions_table_is_a_cookie(parts) -> None:
    async def journey():
        async with browser(parts) as there:
            await sign_in(there)
            return there.cookies["__Host-tongban_session"]

    cookie = run(journey())
    with parts.database.transaction() as connection:
        assert (
            cookie not in connection.execute(text("SELECT string_agg(sessions::text, ' ') FROM sessions")).scalar_one()
        )
