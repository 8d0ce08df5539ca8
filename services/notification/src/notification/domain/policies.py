"""Which events a person is told of, in which words, and when a mail is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from notification.domain.model import Happening, Text

#: Events of a case that matter to a person, in both languages; the others are the districts' own business.
CASE_EVENTS = {
    "submitted": ("已提交", "was submitted"),
    "accepted": ("已受理", "was accepted"),
    "granted": ("准予决定已作出", "was granted"),
    "refused": ("不予决定已作出", "was refused"),
    "closed": ("已办结", "is closed"),
    "withdrawn": ("已撤回", "was withdrawn"),
}
TICKET_EVENTS = {
    "opened": ("已登记", "was opened"),
    "transfer_taken": ("已转派到承办地区", "was passed on to the district in charge"),
    "answered": ("已答复", "was answered"),
}
EVENTS = {"case": CASE_EVENTS, "ticket": TICKET_EVENTS}
#: What is said beside a name that did not come from its source or its owner.
MARKS = {
    "recalled": ("名称凭记忆录入，未与原文核对", "name recalled, not checked against its source"),
    "generated": ("自动生成", "generated"),
    "sample": ("样例数据", "sample data"),
}
THINGS = {"case": ("您的办件", "Your application"), "ticket": ("您的工单", "Your ticket")}

#: Waits between one try and the next; with the first at once, the last is about a day later.
WAITS = tuple(timedelta(seconds=s) for s in (10, 30, 120, 600, 1800, 3600, 7200, 14400, 21600, 28800))
MAX_ATTEMPTS = len(WAITS) + 1
#: How long a claim holds, and what must be left of it to begin one more mail: more than the slowest server can take.
LEASE = timedelta(minutes=10)
ENOUGH = timedelta(minutes=3)
BATCH = 20

#: Dates are told in the districts' own time.
_ZONE = ZoneInfo("Asia/Shanghai")

#: The one template. It names no person and no identity number: mail is read on the way.
_TITLE = "{thing_zh}{event_zh} / {thing_en} {event_en}"
_BODY = """\
{thing_zh}{event_zh}。
编号：{number}
{item_zh}时间：{at}（北京时间）
查看详情请登录：{portal_url}
本邮件由系统自动发出，请勿回复。我们不会在邮件中索要您的身份证号或密码。

{thing_en} {event_en}.
Number: {number}
{item_en}Time: {at} (Beijing time)
Sign in for details: {portal_url}
This message was sent automatically; please do not reply. We never ask for your identity number or password by e-mail.
"""


def deserves_notice(happening: Happening) -> bool:
    """Whether the person is told: known here, and an event that matters to them."""
    return bool(happening.subject) and happening.event in EVENTS[happening.thing]


def worded(happening: Happening, portal_url: str) -> Text:
    """The notice of `happening`, Chinese first."""
    event_zh, event_en = EVENTS[happening.thing][happening.event]
    thing_zh, thing_en = THINGS[happening.thing]
    mark_zh, mark_en = MARKS.get(happening.item_provenance, ("", ""))
    words = {
        "thing_zh": thing_zh,
        "thing_en": thing_en,
        "event_zh": event_zh,
        "event_en": event_en,
        "number": _one_line(happening.number),
        "item_zh": f"事项：{_one_line(happening.item_name_zh)}{mark_zh and f'（{mark_zh}）'}\n"
        if happening.item_name_zh
        else "",
        "item_en": f"Item: {_one_line(happening.item_name_en)}{mark_en and f' ({mark_en})'}\n"
        if happening.item_name_en
        else "",
        "at": happening.at.astimezone(_ZONE).strftime("%Y-%m-%d %H:%M"),
        "portal_url": portal_url,
    }
    return Text(_TITLE.format(**words), _BODY.format(**words))


def next_try(attempts: int, now: datetime) -> datetime | None:
    """When a mail that failed for the `attempts`th time is tried again; None: given up."""
    return now + WAITS[attempts - 1] if attempts < MAX_ATTEMPTS else None


def _one_line(text: str) -> str:
    """Names come from other districts: no line breaks and no control characters, which could pose as headers or text."""
    return "".join(part if part.isprintable() else " " for part in text).strip()
