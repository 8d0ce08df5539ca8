"""A citizen applies in Gusu's pages, a clerk decides in Huangpu's, and both see what happens; with real processes throughout."""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tongban_local.environment import Environment

from tests.browser.conftest import GUSU, HUANGPU
from tests.browser.person import Person

#: Two districts start first, and a journey has many pages; a busy machine is no failure.
pytestmark = pytest.mark.timeout(1200)


def test_a_citizen_applies_and_a_clerk_of_another_district_grants(
    environment: Environment, person: Callable[..., Person], tmp_path: Path
) -> None:
    gusu, huangpu = environment[GUSU], environment[HUANGPU]
    citizen = person()
    page = citizen.page
    page.goto(gusu.portal)
    citizen.look("home-nobody")
    page.get_by_label("您想办什么？").fill("公证")
    page.get_by_role("button", name="查找").click()
    page.get_by_label("办理地").select_option(HUANGPU)
    page.get_by_role("button", name="查找").click()
    citizen.look("items")
    page.locator(".tb-results a").first.click()
    citizen.look("guide")
    item = page.url.rpartition("/")[2]
    assert page.url.startswith(gusu.portal), "nobody had to say who they are so far"
    page.get_by_role("button", name="在线申请").click()
    citizen.fill_password(gusu, "citizen")
    expect(page.get_by_text("在线申请")).to_be_visible()
    citizen.look("apply")

    page.get_by_role("button", name="提交申请").click()
    expect(page.get_by_role("alert")).to_contain_text("请选择")
    citizen.look("apply-missing")
    paper, picture = tmp_path / "申请表.txt", tmp_path / "图.svg"
    paper.write_text("材料")
    picture.write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>document.title = "acts"</script></svg>')
    for field, file in zip(page.locator("input[type=file]").all(), (paper, picture), strict=False):
        field.set_input_files(file)
    page.get_by_role("button", name="提交申请").click()
    expect(page.get_by_text("申请已提交")).to_be_visible()
    citizen.look("case-submitted")
    number = page.url.partition("/cases/")[2].partition("?")[0]
    assert re.fullmatch(r"320508-\d{8}-[0-9A-Z]{8}", number)
    page.get_by_role("link", name="我的办件").first.click()
    citizen.look("cases")

    clerk = person()
    clerk.sign_in(huangpu, "clerk", "/work")
    clerk.await_text(f"{huangpu.portal}/work", number)
    clerk.look("worklist")
    clerk.page.get_by_role("row").filter(has_text=number).get_by_role("link").click()
    clerk.look("work-accept")
    opens_materials(clerk, paper, picture)
    stale = person_in_another_tab(clerk)
    clerk.page.get_by_role("button", name="予以受理").click()
    expect(clerk.page.get_by_text("已受理，审查开始。")).to_be_visible()
    clerk.look("work-decide")
    stale.get_by_role("button", name="予以受理").click()
    expect(stale.get_by_text("刚才的操作没有执行")).to_be_visible()
    clerk.page.get_by_label("说明（可不填）").fill("材料齐全，符合条件。")
    clerk.page.get_by_role("button", name="作出准予决定").click()
    expect(clerk.page.get_by_text("已作出准予决定。")).to_be_visible()
    clerk.look("work-granted")

    citizen.await_text(f"{gusu.portal}/cases/{number}", "已办结")
    expect(page.get_by_text("材料齐全，符合条件。")).to_be_visible()
    citizen.look("case-closed")
    citizen.await_text(f"{gusu.portal}/messages", "已办结")
    unread = page.get_by_role("button", name=re.compile("标为已读")).count()
    page.get_by_role("button", name=re.compile("标为已读")).first.click()
    expect(page.get_by_role("button", name=re.compile("标为已读"))).to_have_count(unread - 1)
    citizen.look("messages")

    page.get_by_role("link", name="English").click()
    for name, path in (
        ("home", "/"),
        ("guide", f"/items/{item}"),
        ("items", "/items?q=公证"),
        ("case-closed", f"/cases/{number}"),
        ("sessions", "/account/sessions"),
        ("error", "/nowhere"),
    ):
        page.goto(gusu.portal + path)
        citizen.look(f"{name}-en")


def opens_materials(clerk: Person, paper: Path, picture: Path) -> None:
    """What was handed in next door: a text is shown, and what could act in the browser is saved as it was sent."""
    page = clerk.page
    page.get_by_role("link", name=re.compile(f"查看.*{paper.name}")).click()
    expect(page.locator("body")).to_have_text(paper.read_text())
    page.go_back()
    assert page.get_by_role("link", name=re.compile(f"查看.*{picture.name}")).count() == 0
    for file in (paper, picture):
        with page.expect_download() as saving:
            page.get_by_role("link", name=re.compile(f"下载.*{file.name}")).click()
        assert saving.value.suggested_filename == file.name
        assert Path(saving.value.path()).read_bytes() == file.read_bytes()


def person_in_another_tab(person: Person) -> object:
    page = person.context.new_page()
    page.goto(person.page.url)
    return page


def test_everything_works_for_somebody_who_allows_no_script(
    environment: Environment, person: Callable[..., Person], tmp_path: Path
) -> None:
    gusu = environment[GUSU]
    citizen = person(script=False)
    citizen.sign_in(gusu, "citizen", "/items?q=公证")
    page = citizen.page
    citizen.apply(tmp_path)
    page.get_by_role("button", name="撤回申请").click()
    page.get_by_role("button", name="确认撤回").click()
    expect(page.get_by_text(re.compile("已撤回|已请求撤回")).first).to_be_visible()


def test_signing_out_is_signing_out(environment: Environment, person: Callable[..., Person]) -> None:
    gusu = environment[GUSU]
    citizen = person()
    citizen.sign_in(gusu, "citizen", "/cases")
    citizen.page.get_by_role("button", name="退出").click()
    expect(citizen.page.get_by_role("heading", name="已退出")).to_be_visible()
    citizen.look("signed-out")
    citizen.page.goto(f"{gusu.portal}/cases")
    assert citizen.page.url.startswith(gusu.issuer), "identity knows nobody here any more, so it asks"


def test_a_session_that_is_ended_elsewhere_ends_here(environment: Environment, person: Callable[..., Person]) -> None:
    """Back-channel logout: from one browser's list of sign-ins the other browser is signed out within seconds."""
    gusu = environment[GUSU]
    one, other = person(), person()
    other.sign_in(gusu, "citizen", "/cases")
    one.sign_in(gusu, "citizen", "/account/sessions")
    one.look("sessions")
    for section in one.page.locator("section.tb-message").all():
        if "本次登录" not in section.inner_text():
            section.get_by_role("button").click()
            break
    expect(one.page.get_by_text("已结束那次登录")).to_be_visible()
    until = time.monotonic() + 30
    while "样***" in other.page.locator("header").inner_text() and time.monotonic() < until:
        other.page.wait_for_timeout(500)
        other.page.goto(gusu.portal)
    assert "样***" not in other.page.locator("header").inner_text()


def test_what_a_page_weighs_is_all_that_it_needs(environment: Environment, person: Callable[..., Person]) -> None:
    """The figure that every page that is looked at is held against: the page itself, its style and its icon, on every visit anew."""
    nobody = person()
    nobody.page.goto(environment[GUSU].portal, wait_until="networkidle")
    first = nobody.weight.octets
    nobody.page.goto(environment[GUSU].portal, wait_until="networkidle")
    assert nobody.weight.octets == pytest.approx(first, rel=0.2), "nothing is taken from a cache"
    assert nobody.weight.kinds >= {"Document", "Stylesheet"}
    assert first > len(gzip.compress(nobody.page.content().encode())), "the page itself is less than all of it"
