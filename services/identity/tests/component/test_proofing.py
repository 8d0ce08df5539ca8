"""Raising how strongly one's identity is proven, on the page."""

from __future__ import annotations

from dataclasses import replace

import pytest
from identity.adapters.proofing import DevelopmentSource
from identity.domain.errors import ProofingAway
from identity.http.settings import HttpSettings

from .test_firms import claims_of
from .web import PROGRAM, browser, run, sign_in, token_in

pytestmark = pytest.mark.engines


class AwaySource(DevelopmentSource):
    def two_elements(self, name: str, id_number: str) -> bool:
        raise ProofingAway


async def prove(there, **fields):
    token = token_in(await there.get("/proofing"))
    return await there.post("/proofing", data={"form_token": token} | fields)


def acr_of(parts, login: str) -> str:
    return parts._within(lambda work: work.accounts.by_login(login)).acr


def test_a_source_that_is_away_says_so_and_loses_nothing(parts) -> None:
    away = replace(parts, proofing=AwaySource())

    async def journey():
        async with browser(away) as there:
            await sign_in(there, "citizen2")
            page = await prove(there, way="two_elements")
            return page, await there.post(
                "/proofing", data={"way": "two_elements"}, headers={**PROGRAM, "Accept": "*/*"}
            )

    page, problem = run(journey())
    assert (page.status_code, problem.status_code, problem.json()["code"]) == (503, 503, "identity.proofing_away")
    assert "未作任何更改" in page.text
    assert int(page.headers["retry-after"]) > 0
    assert acr_of(parts, "citizen2") == "L2"


def test_a_district_without_a_source_sends_people_to_a_window(parts) -> None:
    from identity.adapters.proofing import NoSource

    async def journey():
        async with browser(replace(parts, proofing=NoSource())) as there:
            await sign_in(there, "citizen2")
            page = await there.get("/proofing")
            return page, await there.post(
                "/proofing", data={"way": "two_elements"}, headers={**PROGRAM, "Accept": "*/*"}
            )

    page, refused = run(journey())
    assert "到窗口" in page.text
    assert "<button" not in page.text[page.text.index("<main") :]
    assert (refused.status_code, refused.json()["code"]) == (409, "identity.proofing_not_offered")


def test_a_person_proves_their_identity_step_by_step_and_the_next_token_says_so(parts) -> None:
    async def journey():
        async with browser(parts) as there:
            await sign_in(there, "citizen2")
            page = await there.get("/proofing")
            levels = [(await claims_of(there, parts))["acr"]]
            for wish in ({"way": "two_elements"}, {"way": "document", "ends_on": "2036-01-01"}):
                assert (await prove(there, **wish)).status_code == 303
                levels.append((await claims_of(there, parts))["acr"])
            return page, levels, await there.get("/proofing")

    page, levels, after = run(journey())
    assert "开发用身份核验源，不核验真实身份" in page.text
    assert "Development source: proves nothing about a real person" in page.text
    assert "<script" not in page.text
    assert levels == ["L2", "L3", "L4"]
    assert "已核验" in after.text
    subject = parts._within(lambda work: work.accounts.by_login("citizen2")).subject
    rows = parts._within(lambda work: work.proofs.of(subject))
    assert [(row.source, row.by) for row in rows] == [("development", subject)] * 2


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"way": "document", "ends_on": "2020-01-01"}, "identity.proof_refused"),
        ({"way": "document", "ends_on": "soon"}, "identity.invalid_field"),
        ({"way": "window"}, "identity.invalid_field"),
        ({"any": "thing"}, "identity.invalid_field"),
    ],
    ids=["expired document", "no date", "no window here", "nothing"],
)
def test_what_is_not_confirmed_changes_nothing_and_says_why(parts, fields, code) -> None:
    before = parts._within(lambda work: work.accounts.by_login("english"))

    async def journey():
        async with browser(parts) as there:
            await sign_in(there, "english")
            return await there.post("/proofing", data=fields, headers={**PROGRAM, "Accept": "*/*"})

    refused = run(journey())
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert parts._within(lambda work: work.accounts.by_login("english")) == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"proofing": "development"}, "proves nothing about a real person"),
        ({"proofing": "a register"}, "must be one of none, development"),
    ],
)
def test_settings_that_are_no_trial_s_do_not_name_the_development_source(parts, changes, said) -> None:
    settings = vars(parts.settings) | {"trial": False} | changes
    with pytest.raises(ValueError, match=said):
        HttpSettings(**settings)
