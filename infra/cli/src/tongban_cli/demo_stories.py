"""The three stories that the demo tells; everything it prints is read back from the districts.

1. A person in Gusu applies at Gusu's gateway for an item that Huangpu decides; Huangpu's clerk accepts and grants; the
   result is delivered in Gusu, with an e-mail and a message in the app.
2. The same with every process of Huangpu stopped: Gusu answers 201 with a number, and the case is decided afterwards.
3. A refusal, with its reasons.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from tongban_local.environment import Environment
from tongban_local.mail_sink import read_mails
from tongban_spans.tree import counts, is_whole, tree

from tongban_cli.client import Person, Refused
from tongban_cli.demo_evidence import export_evidence
from tongban_cli.story import TOLD, Story, story, timeline_table
from tongban_cli.visitor import Visitor

GUSU, HUANGPU = "320508", "310101"
#: How long a story waits for what the districts do by themselves.
PATIENCE_S = 90.0
#: Processes send their spans in batches, so often; when no more came for that long, all are there.
SPANS_COME_S = 1.5
_CLOSED = ("closed",)


class DemoFailed(Exception):
    """A story did not end as it should; the message says where."""


@dataclass
class Stage:
    """Where the stories are told."""

    environment: Environment
    console: Console
    build: Path

    def say(self, text: str) -> None:
        self.console.print(text)

    def person(self, code: str, login: str) -> Visitor:
        return Visitor.of(self.environment[code], login)


def tell(stage: Stage) -> list[dict[str, Any]]:
    """All three, in order. Raises DemoFailed."""
    return [_told(stage, name, play) for name, play in STORIES.items()]


def _told(stage: Stage, name: str, play: Callable[[Stage], str]) -> dict[str, Any]:
    stage.say(f"\n[bold]{name}[/bold]")
    began = time.monotonic()
    number = play(stage)
    seconds = time.monotonic() - began
    found = _whole_story(stage, number)
    names = {place.code: f"{place.facts.name_zh} {place.facts.name_en}" for place in stage.environment.places}
    stage.console.print(timeline_table(found, names))
    stage.console.print(tree(found.spans, f"{len(found.trace_ids)} linked traces, {len(found.spans)} spans"))
    evidence = export_evidence(stage.environment, number, stage.build / "demo-evidence")
    stage.say(f"  evidence of both sides: {evidence}")
    return {
        "story": name,
        "case_no": number,
        "districts": sorted(found.districts),
        "trace_ids": found.trace_ids,
        "spans": counts(found.spans),
        "receipts_verified": 0,  # written once everything is stopped and the evidence was verified
        "timeline": [{key: entry[key] for key in ("at", "district", "event")} for entry in found.timeline],
        "seconds": round(seconds, 2),
    }


def _granted(stage: Stage) -> str:
    with stage.person(GUSU, "citizen") as citizen:
        number = _apply(stage, citizen)
        _decide(stage, number, "grant", "材料齐全，符合条件。")
        _closed(stage, citizen, number)
        _heard(stage, citizen, number)
        _next_door(stage, citizen, number)
    return number


def _next_door(stage: Stage, citizen: Visitor, number: str) -> None:
    """Signed in in Gusu, the applicant opens Huangpu's pages, and sees the case there too."""
    there, began = stage.environment[HUANGPU], time.monotonic()
    citizen.switch(there)
    took = (time.monotonic() - began) * 1000
    if number not in citizen.open(f"{there.portal}/cases").text:
        raise DemoFailed(f"{number} is not among the applicant's cases at {there.portal}")
    stage.say(f"  at Huangpu's pages in {took:.0f} ms, signed in with nothing to fill in; the case is listed there")


def _while_away(stage: Stage) -> str:
    stage.say(f"every process of {HUANGPU} is stopped")
    with stage.person(GUSU, "citizen") as citizen:
        citizen.get("/v1/cases")  # signed in before; the home district is up all the time
        stage.environment.stop_district(HUANGPU)
        number = _apply(stage, citizen)
        state = citizen.get(f"/v1/cases/{number}")
        stage.say(
            f"  Huangpu is away; in Gusu the case is {state['state']}, responsibility {state['responsibility']['state']}"
        )
        stage.environment.start_district(HUANGPU)
        stage.say(f"every process of {HUANGPU} runs again")
        _decide(stage, number, "grant", "材料齐全，符合条件。")
        _closed(stage, citizen, number)
        _heard(stage, citizen, number)
    return number


def _refused(stage: Stage) -> str:
    with stage.person(GUSU, "citizen") as citizen:
        number = _apply(stage, citizen)
        _decide(stage, number, "refuse", "所提交的材料与申请人不符。")
        _closed(stage, citizen, number)
        decision = citizen.get(f"/v1/cases/{number}")["decision"]
        stage.say(f"  refused, and told why: {decision['reasons']}")
        _heard(stage, citizen, number)
    return number


STORIES: dict[str, Callable[[Stage], str]] = {
    "a case crosses and comes back granted": _granted,
    "the deciding district is away": _while_away,
    "a case crosses and comes back refused": _refused,
}


def _apply(stage: Stage, citizen: Person) -> str:
    """Applies in Gusu for the first item that Huangpu decides; the case's number."""
    item = _await(
        lambda: next(iter(citizen.get("/v1/items", handling_district=HUANGPU, size=1)["items"]), None),
        "no item of Huangpu is known in Gusu",
    )
    content = base64.b64encode("样例材料".encode()).decode()
    materials = [
        {"key": wanted["key"], "name": f"{wanted['name_zh']}.txt", "media_type": "text/plain", "content": content}
        for wanted in item["materials"]
        if wanted["required"]
    ]
    began = time.monotonic()
    case = citizen.post("/v1/cases", {"item_code": item["code"], "materials": materials})
    mark = {"recalled": " [yellow](name recalled, not re-read)[/yellow]"}.get(item["provenance"], "")
    stage.say(f"  201 in {(time.monotonic() - began) * 1000:.0f} ms: {case['number']} for {item['name_zh']}{mark}")
    return str(case["number"])


def _decide(stage: Stage, number: str, act: str, reasons: str) -> None:
    """Huangpu's clerk finds it on the worklist, accepts it and decides."""
    with stage.person(HUANGPU, "clerk") as clerk:
        _await(
            lambda: any(case["number"] == number for case in _every(clerk, "/v1/worklist")),
            f"{number} did not reach Huangpu's worklist",
        )
        clerk.post(f"/v1/cases/{number}/accept")
        clerk.post(f"/v1/cases/{number}/{act}", {"reasons": reasons})
        stage.say(
            f"  Huangpu's clerk accepted and {act}ed" if act == "grant" else "  Huangpu's clerk accepted and refused"
        )


def _every(person: Person, path: str) -> list[dict[str, Any]]:
    """All pages of a list."""
    found, cursor = [], ""
    while True:
        page = person.get(path, size=100, cursor=cursor)
        found += page["items"]
        cursor = page["next"] or ""
        if not cursor:
            return found


def _closed(stage: Stage, citizen: Person, number: str) -> None:
    case = _await(
        lambda: (case := citizen.get(f"/v1/cases/{number}"))["state"] in _CLOSED and case,
        f"{number} was not closed in Gusu",
    )
    stage.say(f"  in Gusu: {case['state']}, version {case['version']}")


def _heard(stage: Stage, citizen: Person, number: str) -> None:
    """The person has the message in the app and the e-mail in the mailbox that the local SMTP server keeps."""
    folder = stage.environment[GUSU].mail_folder
    _await(lambda: "closed" in _events(stage, number), f"nobody was told that {number} was closed")
    messages = _await(
        lambda: [one for one in _every(citizen, "/v1/messages") if one["about"] == number],
        f"no message in the app about {number}",
    )
    mails = _await(
        lambda: (
            (found := [mail for mail in read_mails(folder) if number in mail.as_string() or number in _body(mail)])
            and len(found) >= len(messages)
            and found
        ),
        f"no e-mail about {number}",
    )
    stage.say(f"  {len(messages)} messages in the app, {len(mails)} e-mails; the last: {mails[-1]['Subject']}")


def _body(mail: Any) -> str:
    part = mail.get_body(("plain",))
    return part.get_content() if part else ""


def _events(stage: Stage, number: str) -> set[str]:
    with stage.person(GUSU, "operator") as operator:
        return {delivery["event"] for delivery in _every_delivery(operator, number)}


def _every_delivery(operator: Person, number: str) -> list[dict[str, Any]]:
    return list(operator.get("/v1/deliveries", about=number, size=100)["items"])


def _whole_story(stage: Stage, number: str) -> Story:
    """The story once both districts tell it, both know the same acts, and no span is missing any more."""
    seen, since = -1, 0.0

    def told() -> Story | None:
        nonlocal seen, since
        found = story(number, stage.environment.places)
        if len(found.spans) != seen:
            seen, since = len(found.spans), time.monotonic()
        events = {entry["event"] for entry in found.timeline}
        both = {span.district for span in found.spans} >= {GUSU, HUANGPU}
        told_whole = both and "closed" in events and set(found.districts.values()) == {TOLD}
        return found if told_whole and is_whole(found.spans) and time.monotonic() - since > SPANS_COME_S else None

    return _await(told, f"the story of {number} is not whole")


def _await(condition: Callable[[], Any], otherwise: str) -> Any:
    """The first true value of `condition`; what a district refuses for the moment is asked again. Raises DemoFailed."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            if value := condition():
                return value
            why = ""
        except Refused as error:
            if error.status not in (404, 409, 503):
                raise DemoFailed(str(error)) from error
            why = f" ({error})"
        if time.monotonic() > deadline:
            raise DemoFailed(otherwise + why)
        time.sleep(0.2)
