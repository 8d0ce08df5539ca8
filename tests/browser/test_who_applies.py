"""Who applies, and for whom: a person who has to prove more first, and one who acts for a firm; each comes back to what they were doing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tongban_local.environment import Environment

from tests.browser.conftest import GUSU
from tests.browser.person import Person

pytestmark = pytest.mark.timeout(1200)

FIRM = "样例科技有限公司"


def test_who_is_proven_too_weakly_proves_more_and_comes_back_to_the_application(
    environment: Environment, person: Callable[..., Person], tmp_path: Path
) -> None:
    gusu, citizen = environment[GUSU], person()
    page = citizen.page
    citizen.sign_in(gusu, "citizen2", "/items?q=公证")
    page.locator(".tb-results a").first.click()
    page.get_by_role("button", name="在线申请").click()
    expect(page.get_by_text("请先核验再选择文件")).to_be_visible()
    citizen.look("apply-weak")
    form = page.url
    citizen.hand_in(tmp_path)
    expect(page.get_by_text("request.acr_too_low")).to_be_visible()
    citizen.look("too-weak")
    page.get_by_role("button", name="去核验身份").click()
    assert page.url.startswith(gusu.issuer)
    citizen.look("too-weak-proofing")
    page.get_by_role("button", name=re.compile("核验姓名和证件号码")).click()
    expect(page).to_have_url(form)
    citizen.hand_in(tmp_path)
    expect(page.get_by_text("申请已提交")).to_be_visible()


def test_a_handler_sees_for_whom_they_act_and_changes_it_where_they_are(
    environment: Environment, person: Callable[..., Person], tmp_path: Path
) -> None:
    """Without script, as everything here."""
    gusu, handler = environment[GUSU], person(script=False)
    page = handler.page
    handler.sign_in(gusu, "handler", "/items?q=企业")
    page.locator(".tb-results a").first.click()
    page.get_by_role("button", name="在线申请").click()
    form = page.url
    page.get_by_role("link", name="更换").click()
    page.get_by_label(re.compile(FIRM)).check()
    page.get_by_role("button", name=re.compile("确定")).click()
    expect(page).to_have_url(form)
    expect(page.locator("header")).to_contain_text(f"代{FIRM}办理")
    handler.hand_in(tmp_path)
    expect(page.get_by_text("申请已提交")).to_be_visible()
    expect(page.locator("dl")).to_contain_text(FIRM)
    page.get_by_role("link", name="我的办件").first.click()
    expect(page.get_by_text(f"这里是{FIRM}的办件")).to_be_visible()
