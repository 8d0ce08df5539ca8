"""The page on which people register, on a real database: nobody learns from it who is known here."""

from __future__ import annotations

import asyncio
import re
import time

import pytest

from ..factories import PASSWORD
from .web import PROGRAM, browser, run, sign_in, token_in

pytestmark = pytest.mark.engines

FORM = {
    "login": "zhang.san",
    "password": PASSWORD,
    "name": "张三",
    "id_number": "110101188001010038",
    "phone": "13800138000",
    "email": "",
    "language": "zh-Hans",
}


async def register(there, **changes):
    token = token_in(await there.get("/register"))
    return await there.post("/register", data=FORM | {"form_token": token} | changes, timeout=60)


def test_a_person_registers_without_script_and_signs_in_at_the_weakest_assurance(parts) -> None:
    async def journey():
        async with browser(parts) as there:
            page, done = await there.get("/register"), await register(there)
            return page, done, await there.get(done.headers["location"]), await sign_in(there, "ZHANG.SAN")

    page, done, told, signed_in = run(journey())
    assert "<script" not in page.text
    assert page.text.index("用户名") < page.text.index("User name")
    assert (done.status_code, done.headers["location"], signed_in.status_code) == (303, "/registered", 303)
    assert "尚未核验" in told.text
    kept = parts._within(lambda work: work.accounts.by_login("zhang.san"))
    assert (kept.acr, kept.person.id_number, kept.person.phone) == ("L2", FORM["id_number"], "+8613800138000")


def test_the_answer_is_the_same_whether_name_or_number_is_known_here(parts) -> None:
    number = parts._within(lambda work: work.accounts.by_login("citizen")).person.id_number

    async def journey():
        answers = []
        for changes in ({"login": "fresh.one"}, {"login": "citizen"}, {"login": "fresh.two", "id_number": number}):
            async with browser(parts) as there:
                answers.append(await register(there, **changes))
        return answers

    answers = run(journey())
    assert {(answer.status_code, answer.headers["location"], answer.text) for answer in answers} == {
        (303, "/registered", "")
    }
    cookies = [
        sorted(re.findall(r"(\S+?)=", cookie)[0] for cookie in a.headers.get_list("set-cookie")) for a in answers
    ]
    assert cookies[0] == cookies[1] == cookies[2]


def test_a_taken_name_takes_as_much_work_as_a_fresh_one(parts) -> None:
    """In time of the processor, which a busy machine does not change."""

    async def once(login: str) -> float:
        async with browser(parts) as there:
            began = time.process_time()
            await there.post("/register", data=FORM | {"login": login}, headers=PROGRAM, timeout=60)
            return time.process_time() - began

    async def journey():
        taken = sorted([await once("citizen") for _ in range(5)])[2]
        return taken, sorted([await once(f"somebody-{n}") for n in range(5)])[2]

    taken, fresh = run(journey())
    assert 0.5 < taken / fresh < 2.0


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"id_number": "110101188001010012"}, "identity.invalid_field", "id_number"),
        ({"phone": "", "email": ""}, "identity.invalid_field", "email"),
        ({"password": "password1234"}, "identity.weak_password", "password"),
    ],
)
def test_what_breaks_a_rule_is_shown_beside_the_form_and_told_a_program_with_its_code(
    parts, changes, code, field
) -> None:
    async def journey():
        async with browser(parts) as there:
            page = await register(there, **changes)
            return page, await there.post("/register", data=FORM | changes, headers={**PROGRAM, "Accept": "*/*"})

    page, problem = run(journey())
    assert (page.status_code, problem.status_code, problem.json()["code"]) == (422, 422, code)
    assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', page.text)
    assert 'role="alert"' in page.text
    assert FORM["password"] not in page.text


def test_no_other_site_registers_anybody(parts) -> None:
    async def journey():
        async with browser(parts, Accept="*/*") as there:
            return await there.post("/register", data=FORM | {"login": "planted", "form_token": "0" * 64})

    refused = run(journey())
    assert (refused.status_code, refused.json()["code"]) == (403, "identity.form_expired")
    assert parts._within(lambda work: work.accounts.by_login("planted")) is None


def test_a_flood_of_registrations_does_not_keep_the_right_password_out(parts) -> None:
    async def journey():
        async with browser(parts, Accept="*/*") as there:
            flood = [
                asyncio.create_task(
                    there.post("/register", data=FORM | {"login": f"flood-{n}"}, headers=PROGRAM, timeout=120)
                )
                for n in range(60)
            ]
            async with asyncio.timeout(60):
                while sum(lane.waiting for lane in parts.lanes._lanes.values()) < 20:
                    await asyncio.sleep(0.01)
            done = await there.post("/sign-in", data={"login": "operator", "password": PASSWORD}, headers=PROGRAM)
            waiting = sum(not task.done() for task in flood)
            for task in flood:
                task.cancel()
            await asyncio.gather(*flood, return_exceptions=True)
            return done, waiting

    done, waiting = run(journey())
    assert done.status_code == 303
    assert waiting, "the flood was still waiting for its turn"
