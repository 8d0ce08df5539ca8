"""Firms and who acts for them, on the pages and in the tokens."""

from __future__ import annotations

import re

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from ..factories import CREDIT_CODE, ID_NUMBER
from .web import PROGRAM, browser, run, sign_in, token_in

pytestmark = pytest.mark.engines

#: Valid by GB 32100, like the sample firm's.
OTHER_CODE = "91110000600037341L"
TODAY, LATER = "2026-11-23", "2027-11-22"


@pytest.fixture
def firm(parts):
    """The sample firm; the mandates that a test gave are over afterwards."""
    yield parts._within(lambda work: work.firms.by_credit_code(CREDIT_CODE))


async def post(there, path: str, **fields):
    token = token_in(await there.get("/acting-for"))
    return await there.post(path, data={"form_token": token} | fields)


async def claims_of(there, parts) -> dict:
    answer = await there.post("/token", data={"grant_type": "urn:tongban:session"}, headers=PROGRAM)
    return jwt.decode(
        answer.json()["access_token"], KeySet.import_key_set(parts.signer.public), algorithms=["EdDSA"]
    ).claims


def test_a_handler_chooses_for_whom_they_act_and_their_tokens_say_it(parts, firm) -> None:
    async def journey():
        async with browser(parts) as there:
            await sign_in(there, "handler")
            page = await there.get("/acting-for")
            before = await claims_of(there, parts)
            done = await post(there, "/acting-for", firm=firm.subject)
            chosen = await claims_of(there, parts)
            await post(there, "/acting-for", firm="")
            return page, before, done, chosen, await claims_of(there, parts)

    page, before, done, chosen, after = run(journey())
    assert "样例科技有限公司" in page.text
    assert page.text.index("为谁办理") < page.text.index("For whom you act")
    assert "<script" not in page.text
    assert (done.status_code, done.headers["location"]) == (303, "/acting-for")
    assert chosen["acting_for"] == firm.subject
    assert chosen["sub"] == before["sub"], "who they are does not change"
    assert "acting_for" not in before
    assert "acting_for" not in after


@pytest.mark.parametrize("login", ["citizen", "citizen2", "clerk"])
def test_nobody_acts_for_a_firm_that_did_not_let_them(parts, firm, login) -> None:
    async def journey():
        async with browser(parts) as there:
            await sign_in(there, login)
            page = await there.get("/acting-for")
            return page, await post(there, "/acting-for", firm=firm.subject), await claims_of(there, parts)

    page, refused, claims = run(journey())
    assert "样例科技有限公司" not in page.text
    assert refused.status_code == 403
    assert "请重新选择" in refused.text
    assert "acting_for" not in claims


def test_a_program_is_told_the_code(parts, firm) -> None:
    async def journey():
        async with browser(parts, Accept="*/*") as there:
            nobody = await there.post("/acting-for", data={"firm": firm.subject}, headers=PROGRAM)
            await there.post(
                "/sign-in", data={"login": "citizen", "password": "right horse battery staple"}, headers=PROGRAM
            )
            return nobody, await there.post("/acting-for", data={"firm": firm.subject}, headers=PROGRAM)

    nobody, refused = run(journey())
    assert (nobody.status_code, nobody.json()["code"]) == (401, "identity.not_signed_in")
    assert (refused.status_code, refused.json()["code"]) == (403, "identity.no_mandate")


def test_a_browser_that_is_not_signed_in_is_sent_to_sign_in(parts) -> None:
    async def journey():
        async with browser(parts) as there:
            return [await there.get(path) for path in ("/acting-for", "/firms", "/proofing")]

    assert {(page.status_code, page.headers["location"]) for page in run(journey())} == {(303, "/sign-in")}


WISH = {"handler_name": "样例居民", "handler_number": ID_NUMBER, "starts_on": TODAY, "ends_on": LATER}


def test_the_representative_gives_a_mandate_and_ends_it_and_it_stops_at_once(parts, firm) -> None:
    async def journey():
        async with browser(parts) as leader, browser(parts) as handler:
            await sign_in(leader, "representative")
            await sign_in(handler, "citizen")
            given = await post(leader, f"/firms/{firm.subject}/mandates", **WISH, item_codes="a-1 a-2")
            chosen = await post(handler, "/acting-for", firm=firm.subject)
            seen, mine = await leader.get("/firms"), await handler.get("/acting-for")
            path = re.search(r'action="(/firms/[^"]+/end)"', seen.text[seen.text.index("样例居民") :])[1]
            ended = await post(leader, path)
            again = await post(handler, "/acting-for", firm=firm.subject)
            return given, chosen, seen, mine, ended, again, await handler.get("/acting-for")

    given, chosen, seen, mine, ended, again, gone = run(journey())
    assert [each.status_code for each in (given, chosen, ended, again)] == [303, 303, 303, 403]
    assert "1101**********0011" in seen.text
    assert ID_NUMBER not in seen.text
    assert "a-1, a-2" in mine.text
    assert "不再授权" in gone.text


def test_the_answer_to_a_mandate_is_the_same_whether_its_person_has_an_account(parts, firm) -> None:
    async def journey():
        answers = []
        async with browser(parts) as leader:
            await sign_in(leader, "representative")
            for number in (ID_NUMBER, "110101188001010556"):
                answers.append(
                    await post(leader, f"/firms/{firm.subject}/mandates", **WISH | {"handler_number": number})
                )
        return answers

    known, unknown = run(journey())
    assert known.status_code == unknown.status_code == 303
    assert (known.text, known.headers["location"]) == (unknown.text, unknown.headers["location"])


@pytest.mark.parametrize(
    ("path", "fields", "status", "code"),
    [
        ("/firms/{firm}/mandates", WISH, 403, "identity.not_representative"),
        ("/firms/nothing/mandates", WISH, 403, "identity.not_representative"),
        ("/firms/{firm}/mandates/m/end", {"any": "thing"}, 403, "identity.not_representative"),
        ("/firms", {"name": "样例", "credit_code": "91350100M000100Y4Z"}, 422, "identity.invalid_field"),
    ],
)
def test_others_change_nothing_of_a_firm(parts, firm, path, fields, status, code) -> None:
    before = parts._within(lambda work: work.mandates.of_firm(firm.subject))

    async def journey():
        async with browser(parts, Accept="*/*") as there:
            await there.post(
                "/sign-in", data={"login": "citizen", "password": "right horse battery staple"}, headers=PROGRAM
            )
            return await there.post(path.format(firm=firm.subject), data=fields, headers=PROGRAM)

    refused = run(journey())
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert parts._within(lambda work: work.mandates.of_firm(firm.subject)) == before


def test_the_firm_itself_signs_in_nowhere(parts) -> None:
    async def journey():
        async with browser(parts, Accept="*/*") as there:
            return [
                (await there.post("/sign-in", data={"login": login, "password": password}, headers=PROGRAM)).status_code
                for login in (CREDIT_CODE, "样例科技有限公司")
                for password in ("", "-", "right horse battery staple")
            ]

    assert set(run(journey())) == {401}


def test_who_leads_a_firm_makes_it_known_and_the_page_says_that_the_source_proves_nothing(parts) -> None:
    async def journey():
        async with browser(parts) as there:
            await sign_in(there, "english")
            page = await there.get("/firms")
            done = await post(there, "/firms", name="样例贸易有限公司", credit_code=OTHER_CODE.lower())
            return page, done, await there.get("/acting-for")

    page, done, choice = run(journey())
    assert "开发用身份核验源，不核验真实身份" in page.text
    assert "proves nothing about a real person" in page.text
    assert done.status_code == 303
    assert "样例贸易有限公司" in choice.text


def test_nothing_personal_of_a_mandate_stands_in_the_table(parts, firm) -> None:
    from sqlalchemy import text

    with parts.database.transaction() as connection:
        rows = connection.execute(text("SELECT string_agg(mandates::text, ' ') FROM mandates")).scalar_one()
    for secret in ("110101188001010492", "样例经办人"):
        assert secret not in rows
        assert secret.encode().hex() not in rows
