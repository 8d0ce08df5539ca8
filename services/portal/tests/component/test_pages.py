"""The pages: what a person reads, sends, and is told, with the API's own answers behind them."""

from __future__ import annotations

import asyncio
import base64
import gzip
import re
from html import unescape

import pytest
from starlette.responses import HTMLResponse

from services.portal.tests.fakes import CLERK, a_case, a_file, a_message, an_item, page_of, problem
from services.portal.tests.site import field_in

pytestmark = pytest.mark.engines

NUMBER, ITEM = a_case()["number"], an_item()["code"]
FORM = ("application_form", "申请表.txt", "材料".encode(), "text/plain")


def get(site, path: str, *, signed_in: bool = True, **params: str):
    async def journey(there):
        return await there.get(path, params=params)

    return site.visit(journey, signed_in=signed_in)


def as_clerk(site) -> None:
    site.provider.person = dict(CLERK)


async def apply(there, *files, key: str = "", page=None):
    page = page or await there.get(f"/items/{ITEM}/apply")
    data = {name: field_in(page, name) for name in ("form_token", "key")} | ({"key": key} if key else {})
    sent = {f"material_{name}": (file, content, kind) for name, file, content, kind in files}
    return await there.post(f"/items/{ITEM}/apply", data=data, files=sent or {"x": ("", b"")})


@pytest.mark.parametrize("path", ["/", "/items", f"/items/{ITEM}", "/cases", f"/cases/{NUMBER}", "/messages"])
def test_pages_are_chinese_first_and_english_where_chosen_and_have_no_script(site, path) -> None:
    async def journey(there):
        chinese = await there.get(path)
        english = await there.get("/language", params={"to": "en", "from": path})
        return chinese, english

    chinese, english = site.visit(journey)
    assert (chinese.status_code, english.status_code) == (200, 200)
    assert '<html lang="zh-Hans"' in chinese.text
    assert '<html lang="en"' in english.text
    assert str(english.url).endswith(path)
    for page in (chinese, english):
        assert "<script" not in page.text
        assert "style=" not in page.text
        assert page.headers["cache-control"] == "no-store"
        assert len(re.findall("<h1", page.text)) == 1
        assert "govuk-header" not in page.text
        assert "crown" not in page.text.lower()
    names = {"data", "样***", "中文", "房产公证", "换驾照", "姑苏区", "黄浦区", "申请表"}
    left = re.sub("|".join(map(re.escape, names)), "", re.sub(r"<[^>]*>|您的办件[^<]*", "", english.text))
    assert re.findall(r"[一-鿿]+", left) in ([], ["通"])


def test_a_first_visit_transfers_no_more_than_100_kb(site) -> None:
    async def journey(there):
        page = await there.get("/", headers={"Accept-Encoding": "gzip"})
        bodies = [page, *[await there.get(path) for path in re.findall(r'(?:href|src)="(/assets/[^"]+)"', page.text)]]
        return [
            (answer.status_code, answer.headers["cache-control"], len(gzip.compress(answer.content)))
            for answer in bodies
        ]

    answers = site.visit(journey, signed_in=False)
    assert [status for status, _, _ in answers] == [200] * 3
    assert [kept for _, kept, _ in answers[1:]] == ["public, max-age=31536000, immutable"] * 2
    assert sum(size for _, _, size in answers) < 20_000


def test_the_header_leads_to_every_linked_district_and_says_where_one_is_known(site) -> None:
    known, unknown = get(site, "/"), get(site, "/", signed_in=False)
    assert 'href="https://portal.huangpu.test/?home_district=320508"' in known.text
    assert 'href="https://portal.huangpu.test/"' in unknown.text
    assert "portal.hangzhou" not in known.text
    assert "上城区" not in known.text


def test_a_person_of_another_district_is_shown_as_such_and_switches_with_their_home(site) -> None:
    site.provider.person |= {"sub": "310101:pairwise", "home": "310101"}
    page = get(site, "/")
    assert "来自黄浦区" in page.text
    assert "?home_district=310101" in page.text


def test_search_asks_the_api_in_the_persons_words_and_shows_where_names_come_from(site) -> None:
    page = get(site, "/items", q="  房子 公证\x00 ", district="310101", cursor="abc")
    ((asked, _),) = site.gateway.sent("GET /v1/items")
    assert (asked["q"], asked["handling_district"], asked["cursor"]) == ("房子 公证", "310101", "abc")
    assert "名称凭记忆录入" in page.text


@pytest.mark.parametrize(
    ("path", "clerk"),
    [
        ("/items", False), (f"/items/{ITEM}", False), (f"/items/{ITEM}/apply", False), ("/cases", False),
        (f"/cases/{NUMBER}", False), (f"/cases/{NUMBER}/withdraw", False), ("/work", True), (f"/work/{NUMBER}", True),
    ],
)  # fmt: skip
def test_a_recalled_name_is_marked_wherever_it_is_shown(site, path, clerk) -> None:
    if clerk:
        as_clerk(site)
    page = get(site, path)
    assert page.status_code == 200
    assert "名称凭记忆录入" in page.text


def test_what_a_person_types_is_text_and_nothing_else(site) -> None:
    page = get(site, "/items", q='"><img src=x onerror=alert(1)>', district="<b>")
    assert "<img" not in page.text
    assert "&lt;img" in page.text


def test_search_and_guide_ask_nobody_to_sign_in_and_apply_does_and_comes_back(site) -> None:
    async def journey(there):
        pages = [await there.get("/items", params={"q": "公证"}), await there.get(f"/items/{ITEM}")]
        asked = len(site.provider.asked)
        return pages, asked, await there.get(f"/items/{ITEM}/apply")

    (found, guide), asked, apply_page = site.visit(journey, signed_in=False)
    assert (found.status_code, guide.status_code, asked) == (200, 200, 0)
    assert f'href="/items/{ITEM}/apply"' in guide.text
    assert (len(site.provider.asked), apply_page.url.path) == (1, f"/items/{ITEM}/apply")
    sent = [headers for name in ("GET /v1/items", f"GET /v1/items/{ITEM}") for headers, _ in site.gateway.sent(name)]
    assert ["authorization" in headers for headers in sent] == [False, False, True], "for nobody no token is sent"


def test_strangers_who_ask_too_often_are_told_to_wait(site) -> None:
    site.gateway.answers["GET /v1/items"] = problem(429, "request.too_many")
    page = get(site, "/items", signed_in=False, q="公证")
    assert (page.status_code, "操作过于频繁" in page.text) == (429, True)


def test_more_than_a_page_leads_on(site) -> None:
    site.gateway.answers["GET /v1/items"] = page_of(an_item(), next="next-1")
    page = get(site, "/items", q="公证 a&b")
    link = re.search(r'rel="next" href="([^"]+)"', page.text)[1]
    assert link == "?q=%E5%85%AC%E8%AF%81%20a%26b&amp;district=&amp;cursor=next-1"


def test_nothing_found_says_what_to_do(site) -> None:
    site.gateway.answers["GET /v1/items"] = page_of()
    assert "换一个更短、更平常的说法试试" in get(site, "/items", q="没有").text


def test_a_guide_says_where_and_how_and_marks_what_was_not_checked(site) -> None:
    text = get(site, f"/items/{ITEM}").text
    for told in (
        "姑苏区（您在这里提交）",
        "黄浦区（由这里受理并作出决定）",
        "全程网办",
        "受理后 10 个工作日",
        "受理后 20 个工作日",
    ):
        assert told in text
    assert "名称凭记忆录入" in text
    assert "时限和材料为演示用的样例" in text
    assert re.search(r"照片\s*（可不提交）", text)


def test_an_application_goes_to_the_api_with_its_files_and_its_key(site) -> None:
    async def journey(there):
        return await apply(there, FORM)

    page = site.visit(journey)
    assert page.url.path == f"/cases/{NUMBER}"
    assert "申请已提交" in page.text
    ((headers, body),) = site.gateway.sent("POST /v1/cases")
    assert body == {
        "item_code": ITEM,
        "materials": [
            {
                "key": "application_form",
                "name": "申请表.txt",
                "media_type": "text/plain",
                "content": base64.b64encode("材料".encode()).decode(),
            }
        ],
    }
    assert len(headers["idempotency-key"]) == 36


def test_a_form_sent_twice_goes_out_under_one_key(site) -> None:
    """A double click, or the back button: the API makes one case of it."""

    async def journey(there):
        page = await there.get(f"/items/{ITEM}/apply")
        await asyncio.gather(apply(there, FORM, page=page), apply(there, FORM, page=page))
        await apply(there, FORM, page=page)

    site.visit(journey)
    keys = [headers["idempotency-key"] for headers, _ in site.gateway.sent("POST /v1/cases")]
    assert (len(keys), len(set(keys))) == (3, 1)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ([], "请选择“申请表”的文件"),
        ([("application_form", "a.txt", b"", "text/plain")], "“申请表”的文件是空的"),
        ([("application_form", "a.txt", b"x" * (2 * 2**20 + 1), "text/plain")], "“申请表”的文件超过 2 MB"),
        ([FORM, ("photo", "p.png", b"x" * (2 * 2**20 + 1), "image/png")], "“照片”的文件超过 2 MB"),
    ],
)
def test_what_is_missing_or_too_large_is_told_beside_its_field_and_nothing_is_sent(site, files, told) -> None:
    async def journey(there):
        return await apply(there, *files)

    page = site.visit(journey)
    assert page.status_code == 422
    assert page.text.count(told) == 2
    assert 'href="#material_' in page.text
    assert "<title>错误：" in page.text
    assert site.gateway.sent("POST /v1/cases") == []


def test_what_people_hand_in_never_touches_a_disk(site, monkeypatch) -> None:
    def rolled(*_):
        raise AssertionError("it went to a file")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.rollover", rolled)
    scan = bytes(2 * 2**20)

    async def journey(there):
        return await apply(there, ("application_form", "scan.pdf", scan, "application/pdf"))

    site.visit(journey)
    ((_, sent),) = site.gateway.sent("POST /v1/cases")
    assert base64.b64decode(sent["materials"][0]["content"]) == scan


def test_more_than_a_form_may_hold_is_a_page_that_says_so(site) -> None:
    async def journey(there):
        return await apply(there, ("application_form", "a.bin", b"x" * (5 * 2**20), "text/plain"))

    page = site.visit(journey)
    assert page.status_code == 413
    assert "全部文件合计不能超过 3 MB" in page.text
    assert page.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("name", "kind", "sent"),
    [
        ("C:\\fakepath\\证明.pdf", "application/pdf", ("证明.pdf", "application/pdf")),
        ("../../etc/passwd", "TEXT/Plain; charset=x", ("passwd", "text/plain")),
        ("a\u200bb.txt", "not a type", ("ab.txt", "application/octet-stream")),
        ("长" * 300 + ".txt", "text/plain", ("长" * 196 + ".txt", "text/plain")),
    ],
)
def test_a_files_name_and_type_are_what_the_api_takes(site, name, kind, sent) -> None:
    async def journey(there):
        return await apply(there, ("application_form", name, b"x", kind))

    assert site.visit(journey).status_code == 200
    ((_, body),) = site.gateway.sent("POST /v1/cases")
    assert (body["materials"][0]["name"], body["materials"][0]["media_type"]) == sent


def test_a_refusal_of_the_api_is_told_in_chinese_with_its_code_and_a_new_key(site) -> None:
    site.gateway.answers["POST /v1/cases"] = problem(409, "case_routing.not_agreed")

    async def journey(there):
        before = await there.get(f"/items/{ITEM}/apply")
        return field_in(before, "key"), await apply(there, FORM, page=before)

    key, page = site.visit(journey)
    assert page.status_code == 422
    assert "与办理地区的协议不包含这个事项" in page.text
    assert "case_routing.not_agreed" in page.text
    assert field_in(page, "key") != key


def test_where_nobody_knows_whether_a_case_was_made_the_form_keeps_its_key(site) -> None:
    site.gateway.answers["POST /v1/cases"] = problem(503, "rpc.deadline")

    async def journey(there):
        before = await there.get(f"/items/{ITEM}/apply")
        return field_in(before, "key"), await apply(there, FORM, page=before)

    key, page = site.visit(journey)
    assert page.status_code == 503
    assert "不会重复办理" in page.text
    assert field_in(page, "key") == key


def test_for_whom_a_person_acts_stands_in_the_header_at_apply_and_can_be_changed(site) -> None:
    assert "代样例科技有限公司办理" not in get(site, "/").text
    alone = get(site, f"/items/{ITEM}/apply").text
    assert "<strong>本人</strong>" in alone
    site.provider.person |= {"acting_for": "firm-1", "acting_for_name": "样例科技有限公司"}
    for path in ("/", f"/items/{ITEM}", f"/cases/{NUMBER}", "/messages"):
        assert "代样例科技有限公司办理" in get(site, path).text, path
    text = get(site, f"/items/{ITEM}/apply").text
    assert "<strong>样例科技有限公司</strong>" in text
    assert "经办人 样***" in text
    assert f'href="/sign-in?choose=1&amp;to=%2Fitems%2F{ITEM}%2Fapply"' in text


def test_the_list_of_cases_says_whose_they_are(site) -> None:
    assert "要看本人的办件" not in get(site, "/cases").text
    site.provider.person |= {"acting_for": "firm-1", "acting_for_name": "样例科技有限公司"}
    assert "这里是样例科技有限公司的办件" in get(site, "/cases").text


def test_an_english_name_begins_as_a_heading_does(site) -> None:
    async def journey(there):
        return await there.get("/language", params={"to": "en", "from": f"/items/{ITEM}"})

    assert '<h1 class="govuk-heading-l">Notarisation of real estate</h1>' in site.visit(journey).text.replace("\n", "")


def test_changing_for_whom_asks_identity_for_the_choice_and_comes_back_with_it(site) -> None:
    async def journey(there):
        before = await there.get("/")
        site.provider.person |= {"acting_for": "firm-1", "acting_for_name": "样例科技有限公司"}
        return before, await there.get("/sign-in", params={"choose": "1", "to": f"/items/{ITEM}"})

    before, after = site.visit(journey)
    assert site.provider.asked[-1]["acting_for"] == "choose"
    assert "代样例科技有限公司办理" not in before.text
    assert after.url.path == f"/items/{ITEM}"
    assert "代样例科技有限公司办理" in after.text


def test_a_firm_whose_mandate_is_over_is_still_told_as_a_choice(site) -> None:
    site.provider.person |= {"acting_for": "firm-1", "acting_for_name": ""}
    assert "代所选单位办理" in get(site, "/").text


@pytest.mark.parametrize("code", ["identity.no_mandate", "case_routing.outside_mandate", "case_routing.not_yours"])
def test_a_refusal_because_of_for_whom_one_acts_leads_to_the_choice_and_back(site, code) -> None:
    site.gateway.answers[f"GET /v1/cases/{NUMBER}"] = problem(403, code)
    page = get(site, f"/cases/{NUMBER}")
    assert f'href="/sign-in?choose=1&amp;to=%2Fcases%2F{NUMBER}"' in page.text


@pytest.mark.parametrize(
    ("audience", "firm", "warned"),
    [("person", "firm-1", True), ("firm", "", True), ("both", "firm-1", False), ("person", "", False)],
)
def test_an_item_that_is_not_for_such_an_applicant_says_so_before_anything_is_sent(
    site, audience, firm, warned
) -> None:
    site.gateway.answers[f"GET /v1/items/{ITEM}"] = an_item(audience=audience)
    if firm:
        site.provider.person |= {"acting_for": firm, "acting_for_name": "样例科技有限公司"}
    assert ("请确认申请人是否正确" in get(site, f"/items/{ITEM}/apply").text) is warned


def test_a_case_shows_for_whom_it_is_and_who_handles_it(site) -> None:
    firm = {"applicant_kind": "firm", "applicant_name_masked": "样例科技有限公司", "handler_name_masked": "经**"}
    site.gateway.answers[f"GET /v1/cases/{NUMBER}"] = a_case(**firm)
    assert "经办人 经**" in get(site, f"/cases/{NUMBER}").text
    as_clerk(site)
    text = get(site, f"/work/{NUMBER}").text
    assert "样例科技有限公司" in text
    assert "经办人 经**" in text


TOO_WEAK = {"WWW-Authenticate": 'Bearer realm="tongban", error="insufficient_user_authentication", acr_values="L3"'}


def too_weak():
    refused = problem(403, "request.acr_too_low", "Sign in again with acr_values=L3.")
    refused.headers.update(TOO_WEAK)
    return refused


def test_who_is_proven_too_weakly_is_told_in_a_sentence_and_led_to_proving_more_and_back(site) -> None:
    site.gateway.answers["POST /v1/cases"] = too_weak()

    async def journey(there):
        page = await apply(there, FORM)
        link = unescape(re.search(r'href="(/sign-in\?acr=[^"]+)"', page.text)[1])
        return page, await there.get(link)

    page, back = site.visit(journey)
    assert page.status_code == 403
    assert "办理这件事之前，需要更可靠地核验您的身份。" in page.text
    assert "acr_values" not in page.text
    assert site.provider.asked[-1]["acr_values"] == "L3"
    assert back.url.path == f"/items/{ITEM}/apply"


def test_the_sentence_for_who_is_proven_too_weakly_is_for_people_in_english_too(site) -> None:
    site.gateway.answers["GET /v1/cases"] = too_weak()

    async def journey(there):
        return await there.get("/language", params={"to": "en", "from": "/cases"})

    page = site.visit(journey)
    assert "your identity has to be proven more strongly" in page.text
    assert "acr_values" not in page.text


def test_staff_who_is_proven_too_weakly_is_sent_to_their_administrator(site) -> None:
    as_clerk(site)
    site.gateway.answers["GET /v1/worklist"] = too_weak()
    text = get(site, "/work").text
    assert "请与管理员联系" in text
    assert "/sign-in?acr" not in text


def test_who_will_be_too_weak_is_told_before_choosing_files(site) -> None:
    assert "请先核验再选择文件" not in get(site, f"/items/{ITEM}/apply").text
    site.provider.person["acr"] = "L2"
    text = get(site, f"/items/{ITEM}/apply").text
    assert "请先核验再选择文件" in text
    assert f'href="/sign-in?acr=L3&amp;to=%2Fitems%2F{ITEM}%2Fapply"' in text


@pytest.mark.parametrize("acr", ["L2", "L9", "x", ""])
def test_no_strength_is_asked_for_that_there_is_not(site, acr) -> None:
    get(site, "/sign-in", acr=acr)
    assert "acr_values" not in site.provider.asked[-1]


def test_another_account_is_asked_for_anew_and_comes_back(site) -> None:
    async def journey(there):
        page = await there.get("/work")
        link = unescape(re.search(r'href="(/sign-in\?again=[^"]+)"', page.text)[1])
        as_clerk(site)
        return await there.get(link)

    assert site.visit(journey).url.path == "/work"
    assert site.provider.asked[-1]["prompt"] == "login"


def test_progress_shows_both_districts_and_who_is_responsible(site) -> None:
    text = get(site, f"/cases/{NUMBER}").text
    assert "姑苏区正在移交给黄浦区。对方接收之前，任何一方都不能办理。" in text
    assert "接收移交" in text
    assert "2026年11月23日 09:00" in text  # Asia/Shanghai
    site.gateway.answers[f"GET /v1/cases/{NUMBER}"] = a_case(
        state="refused",
        responsibility={"holder": "310101", "state": "held", "offered_to": "", "turn": 2},
        decision={
            "granted": False,
            "reasons": "材料与申请人不符。",
            "document_no": "D-1",
            "decided_at": None,
            "district": "310101",
        },
    )
    text = get(site, f"/cases/{NUMBER}").text
    assert "决定：不予" in text
    assert "材料与申请人不符。" in text
    assert "撤回申请" not in text


def test_taking_back_is_asked_once_more_and_told(site) -> None:
    async def journey(there):
        page = await there.get(f"/cases/{NUMBER}/withdraw")
        data = {name: field_in(page, name) for name in ("form_token", "key")}
        del page
        return data, await there.post(f"/cases/{NUMBER}/withdraw", data=data)

    data, page = site.visit(journey)
    assert page.url.path == f"/cases/{NUMBER}"
    assert "已请求撤回" in page.text
    ((headers, _),) = site.gateway.sent(f"POST /v1/cases/{NUMBER}/withdraw")
    assert headers["idempotency-key"] == data["key"]


def test_taking_back_too_late_shows_the_case_and_why(site) -> None:
    site.gateway.answers[f"POST /v1/cases/{NUMBER}/withdraw"] = problem(409, "case_routing.already_decided")

    async def journey(there):
        page = await there.get(f"/cases/{NUMBER}/withdraw")
        data = {name: field_in(page, name) for name in ("form_token", "key")}
        return await there.post(f"/cases/{NUMBER}/withdraw", data=data)

    page = site.visit(journey)
    assert page.status_code == 409
    assert "办件已经作出决定" in page.text


def test_messages_say_what_is_unread_and_are_marked_read_by_a_form(site) -> None:
    site.gateway.answers["GET /v1/messages"] = page_of(a_message(), a_message(id="m-2", read=True, title="旧"))

    async def journey(there):
        page = await there.get("/messages")
        token = field_in(page, "form_token")
        return page, await there.post("/messages/m-1/read", data={"form_token": token})

    page, after = site.visit(journey)
    assert page.text.count("标为已读") == 1
    assert f'href="/cases/{NUMBER}"' in page.text
    assert after.url.path == "/messages"
    assert len(site.gateway.sent("POST /v1/messages/m-1/read")) == 1


def test_my_sign_ins_are_listed_and_one_is_ended(site) -> None:
    site.provider.sessions = [{"sid": sid, "signed_in_at": "2026-11-23T01:00:00Z"} for sid in ("sid-1", "sid-9")]

    async def journey(there):
        page = await there.get("/account/sessions")
        data = {"form_token": field_in(page, "form_token")}
        return page, await there.post("/account/sessions/sid-9/end", data=data)

    page, after = site.visit(journey)
    assert page.text.count("本次登录") == 1
    assert "已结束那次登录" in after.text
    assert [row["sid"] for row in site.provider.sessions] == ["sid-1"]


@pytest.mark.parametrize("sid", ["sid-9", "no session's id"])
def test_a_sign_in_that_is_over_already_is_said_to_be(site, sid) -> None:
    site.provider.sessions = [{"sid": "sid-1", "signed_in_at": "2026-11-23T01:00:00Z"}]

    async def journey(there):
        page = await there.get("/account/sessions")
        return await there.post(f"/account/sessions/{sid}/end", data={"form_token": field_in(page, "form_token")})

    after = site.visit(journey)
    assert after.status_code == 404
    assert "portal.unknown_session" in after.text
    assert len(site.provider.sessions) == 1


@pytest.mark.parametrize("path", ["/work", f"/work/{NUMBER}"])
def test_a_citizen_has_no_clerks_desk(site, path) -> None:
    page = get(site, path)
    assert page.status_code == 403
    assert "portal.role_missing" in page.text
    assert site.gateway.calls == []


def test_a_person_of_another_district_is_told_where_their_other_messages_are(site) -> None:
    site.gateway.answers["GET /v1/messages"] = page_of()
    assert "消息在那里的页面查看" not in get(site, "/messages").text
    site.provider.person |= {"sub": "310101:pairwise", "home": "310101"}
    assert "在黄浦区提交的办件，消息在那里的页面查看" in get(site, "/messages").text


@pytest.mark.parametrize("path", ["/cases", f"/items/{ITEM}/apply", "/messages"])
def test_a_clerk_applies_for_nothing(site, path) -> None:
    as_clerk(site)
    assert get(site, path).status_code == 403


def decide(site, act: str, **fields: str):
    as_clerk(site)

    async def journey(there):
        page = await there.get(f"/work/{NUMBER}")
        form = re.search(rf'action="/work/{NUMBER}/{act}".*?</form>', page.text, re.S)[0]
        data = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)) | fields
        return data, await there.post(f"/work/{NUMBER}/{act}", data=data)

    return site.visit(journey)


@pytest.mark.parametrize(
    ("due", "act", "fields", "body"),
    [
        ("receive", "receive", {}, None),
        ("accept", "accept", {}, None),
        ("decide", "grant", {"reasons": ""}, {"reasons": ""}),
        ("decide", "grant", {"reasons": "齐全"}, {"reasons": "齐全"}),
        ("decide", "refuse", {"reasons": " 不符\r\n第二行 "}, {"reasons": "不符\n第二行"}),
        ("deliver", "deliver", {}, None),
        ("hand_over", "hand-over", {}, None),
    ],
)
def test_a_clerk_does_what_is_due_on_the_version_they_saw(site, due, act, fields, body) -> None:
    site.gateway.answers[f"GET /v1/cases/{NUMBER}"] = a_case(due_act=due, version=7)
    site.gateway.answers[f"POST /v1/cases/{NUMBER}/{act}"] = a_case(version=8)
    data, page = decide(site, act, **fields)
    assert page.status_code == 200
    assert page.url.params["done"] == act
    ((headers, sent),) = site.gateway.sent(f"POST /v1/cases/{NUMBER}/{act}")
    assert sent == body
    assert headers["if-match"] == '"7"'
    assert headers["idempotency-key"] == data["key"]


FILE = f"/v1/cases/{NUMBER}/materials/application_form"


def test_a_clerk_sees_each_material_as_the_item_calls_it_with_name_type_size_and_digest(site) -> None:
    as_clerk(site)
    text = get(site, f"/work/{NUMBER}").text
    for told in ("申请表</strong>", "申请表.txt", "文本", "6 字节", "a" * 64):
        assert told in text
    assert f'href="/work/{NUMBER}/materials/application_form"' in text
    assert f'href="/work/{NUMBER}/materials/application_form?save=1"' in text


def test_an_item_that_is_not_to_be_had_hides_no_material(site) -> None:
    as_clerk(site)
    site.gateway.answers[f"GET /v1/items/{ITEM}"] = problem(503, "rpc.unavailable")
    page = get(site, f"/work/{NUMBER}")
    assert (page.status_code, "申请表.txt" in page.text) == (200, True)


def test_a_clerk_whose_district_has_no_need_of_the_materials_is_told_and_shown_no_link(site) -> None:
    as_clerk(site)
    site.gateway.answers[f"GET /v1/cases/{NUMBER}"] = a_case(materials_open=False)
    text = get(site, f"/work/{NUMBER}").text
    assert "申请表.txt" in text
    assert "材料由办理地打开" in text
    assert f"/work/{NUMBER}/materials/" not in text


@pytest.mark.parametrize("desk", ["work", "cases"])
def test_a_material_is_shown_in_a_sandbox_or_saved_octet_for_octet(site, desk) -> None:
    if desk == "work":
        as_clerk(site)
    address = f"/{desk}/{NUMBER}/materials/application_form"

    async def journey(there):
        return await there.get(address), await there.get(f"{address}?save=1")

    shown, saved = site.visit(journey)
    name = "filename*=UTF-8''%E7%94%B3%E8%AF%B7%E8%A1%A8.txt"
    assert shown.headers["content-disposition"] == f"inline; {name}"
    assert saved.headers["content-disposition"] == f"attachment; {name}"
    for answer in (shown, saved):
        assert (answer.status_code, answer.content) == (200, "材料".encode())
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
        assert (answer.headers["x-content-type-options"], answer.headers["cache-control"]) == ("nosniff", "no-store")


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/pdf", "application/x-thing"])
def test_what_could_act_in_a_browser_is_saved_and_never_shown(site, kind) -> None:
    as_clerk(site)
    site.gateway.answers[f"GET {FILE}"] = a_file(media_type=kind, content=b"<script>alert(1)</script>")
    answer = get(site, f"/work/{NUMBER}/materials/application_form")
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-type"] in ("application/pdf", "application/octet-stream")


def test_a_page_that_the_api_would_call_a_file_is_none_of_ours(site) -> None:
    """Whatever the API says, no page of somebody else's comes from our origin."""
    as_clerk(site)
    site.gateway.answers[f"GET {FILE}"] = HTMLResponse(
        "<script>alert(1)</script>", headers={"Content-Disposition": "inline"}
    )
    answer = get(site, f"/work/{NUMBER}/materials/application_form")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment"


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (403, "case_routing.material_not_open", "请向办理地了解"),
        (404, "case_routing.material_not_here", "回到办件页面重新选择"),
        (403, "case_routing.not_yours", "这是他人的办件"),
    ],
)
def test_a_material_that_does_not_open_is_a_page_that_says_why(site, status, code, told) -> None:
    as_clerk(site)
    site.gateway.answers[f"GET {FILE}"] = problem(status, code)
    page = get(site, f"/work/{NUMBER}/materials/application_form")
    assert (page.status_code, told in page.text) == (status, True)
    assert page.headers["content-type"].startswith("text/html")


def test_materials_are_for_the_right_desk_and_for_nobody_who_is_not_signed_in(site) -> None:
    assert get(site, f"/work/{NUMBER}/materials/application_form").status_code == 403
    as_clerk(site)
    assert get(site, f"/cases/{NUMBER}/materials/application_form").status_code == 403
    assert site.gateway.sent(f"GET {FILE}") == []
    site.provider.person = None

    async def journey(there):
        return await there.get(f"/work/{NUMBER}/materials/application_form", follow_redirects=False)

    led = site.visit(journey, signed_in=False)
    assert (led.status_code, led.headers["location"].startswith("/sign-in?")) == (303, True)


def test_the_giver_may_ask_for_a_hand_over_back(site) -> None:
    site.gateway.answers[f"POST /v1/cases/{NUMBER}/recall"] = a_case()
    _, page = decide(site, "recall")
    assert "已请求收回移交" in page.text


def test_a_refusal_without_reasons_is_not_sent(site) -> None:
    site.gateway.answers[f"GET /v1/cases/{NUMBER}"] = a_case(due_act="decide")
    _, page = decide(site, "refuse", reasons="  ")
    assert page.status_code == 422
    assert "请写明理由" in page.text
    assert site.gateway.sent(f"POST /v1/cases/{NUMBER}/refuse") == []


def test_a_stale_page_shows_what_is_now_and_keeps_what_was_written(site) -> None:
    site.gateway.answers[f"GET /v1/cases/{NUMBER}"] = a_case(due_act="decide", version=3)
    site.gateway.answers[f"POST /v1/cases/{NUMBER}/refuse"] = problem(412, "case_routing.version_conflict")
    _, page = decide(site, "refuse", reasons="写好的理由")
    assert page.status_code == 412
    assert "刚才的操作没有执行" in page.text
    assert "写好的理由" in page.text


def test_an_act_that_there_is_not_is_no_page(site) -> None:
    as_clerk(site)

    async def journey(there):
        data = {"form_token": field_in(await there.get(f"/work/{NUMBER}"), "form_token")}
        return await there.post(f"/work/{NUMBER}/archive", data=data)

    assert site.visit(journey).status_code == 404


def test_a_form_of_another_session_or_site_changes_nothing(site) -> None:
    async def journey(there):
        async with site.browser() as other:
            await other.get("/sign-in")
            strange = field_in(await other.get("/"), "form_token")
        return [
            await there.post("/messages/m-1/read", data={"form_token": strange}),
            await there.post("/messages/m-1/read", data={"form_token": "x"}),
            await there.post("/messages/m-1/read", data={}),
            await there.post("/messages/m-1/read", json={}),
        ]

    answers = site.visit(journey)
    assert [answer.status_code for answer in answers] == [403, 403, 415, 415]
    assert all("portal.form_expired" in answer.text for answer in answers[:2])
    assert site.gateway.sent("POST /v1/messages/m-1/read") == []


def test_a_form_sent_after_signing_out_says_so_and_is_not_sent(site) -> None:
    async def journey(there):
        page = await there.get(f"/cases/{NUMBER}/withdraw")
        data = {name: field_in(page, name) for name in ("form_token", "key")}
        await there.post("/sign-out", data=data)
        return await there.post(f"/cases/{NUMBER}/withdraw", data=data)

    page = site.visit(journey)
    assert page.status_code == 401
    assert "您的登录已结束" in page.text
    assert "portal.not_signed_in" in page.text
    assert site.gateway.sent(f"POST /v1/cases/{NUMBER}/withdraw") == []


@pytest.mark.parametrize("code", ["token.refused", "token.session_ended"])
def test_a_person_whom_the_api_does_not_take_is_signed_out_and_told_not_led_in_circles(site, code) -> None:
    site.gateway.answers["GET /v1/cases"] = problem(401, code)

    async def journey(there):
        page = await there.get("/cases")
        return page, "样***" in (await there.get("/")).text

    page, still = site.visit(journey)
    assert page.status_code == 401
    assert code in page.text
    assert 'href="/sign-in' in page.text
    assert not still
    assert len(site.gateway.calls) == 1


@pytest.mark.parametrize(
    ("path", "answer", "status", "told"),
    [
        ("/nowhere", None, 404, "没有这个页面"),
        ("/items/x/y/z", None, 404, "portal.no_such_page"),
        (f"/cases/{NUMBER[:-1]}X", None, 404, "没有找到这个编号的办件"),
        ("/cases", problem(503, "rpc.unavailable"), 503, "系统暂时不可用"),
        ("/cases", problem(429, "request.too_many"), 429, "操作过于频繁"),
        ("/cases", problem(403, "case_routing.not_yours"), 403, "这是他人的办件"),
        ("/cases", problem(500, "internal"), 500, "系统出了问题"),
    ],
)
def test_every_error_is_a_page_with_a_sentence_and_its_code(site, path, answer, status, told) -> None:
    if answer is not None:
        site.gateway.answers["GET /v1/cases"] = answer
    page = get(site, path)
    assert page.status_code == status
    assert told in page.text
    assert "<code>" in page.text
    assert page.headers["content-type"].startswith("text/html")


def test_an_error_in_english_is_the_apis_own_sentence(site) -> None:
    site.gateway.answers["GET /v1/cases"] = problem(403, "case_routing.not_yours", "Sign in as the applicant.")

    async def journey(there):
        return await there.get("/language", params={"to": "en", "from": "/cases"})

    assert "Sign in as the applicant." in site.visit(journey).text


def test_a_gateway_that_is_away_is_told_as_such(site) -> None:
    site.gateway.app.router.routes.clear()

    assert "portal.gateway_unavailable" in get(site, "/cases").text


def test_an_asset_of_another_version_is_not_there(site) -> None:
    assert get(site, "/assets/0000000000000000/portal.css", signed_in=False).status_code == 404
    assert get(site, "/assets/x/../__init__.py", signed_in=False).status_code == 404
