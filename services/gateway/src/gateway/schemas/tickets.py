"""Hotline tickets (工单): opened here, answered here or in the district they belong to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gateway.schemas.common import District, Given, Moment, Sent, TimelineEntry, example, line, text


class TicketSent(Sent):
    subject_line: Annotated[str, line(200)]
    body: Annotated[str, text(4000)]
    case_number: Annotated[
        str,
        StringConstraints(pattern=r"^(?:[0-9]{6}-[0-9]{8}-[0-9A-Za-z]{8})?$"),
        Field(description="The case it is about, if any."),
    ] = ""

    model_config = example({"subject_line": "社保卡进度", "body": "请问我的社保卡何时可以领取？"})


class TransferSent(Sent):
    """转派: to the district it belongs to."""

    to_district: District
    reason: Annotated[str, text(1000)]

    model_config = example({"to_district": "310101", "reason": "属黄浦区办理事项。"})


class AnswerSent(Sent):
    answer: Annotated[str, text(4000)]

    model_config = example({"answer": "已制证，请于三个工作日内领取。"})


class BounceSent(Sent):
    """\"Not ours\": back to where it came from."""

    reason: Annotated[str, text(1000)]

    model_config = example({"reason": "不属本区办理事项。"})


class Ticket(Given):
    number: str
    opened_in: str
    holder: Annotated[str, Field(description="The district whose agents may act now.")]
    state: Literal["open", "transferring", "transferred", "answered", "returned"] | None
    subject_line: str
    body: str
    answer: str
    answered_by_district: str
    opened_at: Moment | None
    answered_at: Moment | None
    version: int
    turn: Annotated[int, Field(description="Counts hand-overs from 1.")]
    timeline: list[TimelineEntry]
    case_number: str
    offered_to: Annotated[str, Field(description="While it is handed over: to whom.")]
    came_from: str
    attention: Annotated[str, Field(description="Why an agent has to look though nobody asked; else empty.")]
