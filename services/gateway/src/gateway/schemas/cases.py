"""Cases: what a person applies for, where it stands, and who may act on it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import Field, StringConstraints

from gateway.schemas.common import DistrictShown, Given, Moment, Provenance, Sent, TimelineEntry, example, line, text

CaseState = Literal[
    "submitted", "received", "forwarded", "accepted", "under_review", "granted",
    "refused", "produced", "delivered", "closed", "withdrawn",
]  # fmt: skip

#: Standard base64 with its padding (RFC 4648 section 4).
_BASE64 = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
LARGEST_MATERIAL = 2 * 1024 * 1024
_LONGEST_BASE64 = (LARGEST_MATERIAL + 2) // 3 * 4


_KEY = StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")
MaterialKey = Annotated[str, Path(pattern=_KEY.pattern, description="The material's key, as the case lists it.")]


class MaterialSent(Sent):
    """One material, its content as base64; at most 2 MiB of octets, and 3 MiB in one application."""

    key: Annotated[str, _KEY, Field(description="As the item asks for it.")]
    name: Annotated[str, line(200)]
    media_type: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.+-]{1,64}/[a-z0-9.+-]{1,64}$")]
    content: Annotated[
        str,
        StringConstraints(min_length=4, max_length=_LONGEST_BASE64, pattern=_BASE64),
        Field(json_schema_extra={"contentEncoding": "base64"}),
    ]


EXAMPLE: dict[str, Any] = {
    "item_code": "310101-5c1dcf41",
    "materials": [{"key": "identity_card", "name": "身份证.txt", "media_type": "text/plain", "content": "5qC35L6L"}],
}


class CaseSent(Sent):
    """A complete application."""

    item_code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    materials: Annotated[list[MaterialSent], Field(max_length=20)]
    kiosk_id: Annotated[
        str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{0,64}$"), Field(description="Where a kiosk was used.")
    ] = ""

    model_config = example(EXAMPLE)


class GrantSent(Sent):
    """准予: a grant may say why."""

    reasons: Annotated[
        str, StringConstraints(max_length=4000, pattern=r"^[^\u0000-\u0008\u000B-\u001F\u007F-\u009F]*$")
    ] = ""

    model_config = example({"reasons": "材料齐全，符合条件。"})


class RefusalSent(Sent):
    """不予: a refusal says why."""

    reasons: Annotated[str, text(4000)]

    model_config = example({"reasons": "所提交的材料与申请人不符。"})


class Responsibility(Given):
    """Who may act: at most one district at any time."""

    holder: str
    state: Annotated[Literal["held", "offered"] | None, Field(description="`offered`: handing over, nobody may act.")]
    offered_to: str
    turn: Annotated[int, Field(description="Counts hand-overs from 1.")]


class Material(Given):
    """A material without its content, which has an address of its own: `/v1/cases/{number}/materials/{key}`."""

    key: str
    name: str
    media_type: str
    size: int
    sha256: Annotated[str, Field(description="Lower-case hex SHA-256 of the content.")]


class CustodyEntry(Given):
    """One movement of a paper or file from hand to hand."""

    material_key: str
    from_district: str
    to_district: str
    at: Moment | None
    sha256: str


class Decision(Given):
    granted: bool
    reasons: str
    document_no: str
    decided_at: Moment | None
    district: str


class Case(Given):
    """A case as this district knows it; one number in both districts from the first moment."""

    number: str
    item_code: str
    item_name_zh: str
    item_name_en: str
    item_provenance: Provenance | None
    item_mode: Annotated[str, Field(description="`fully_online`, `proxy_collection` or `joint_handling`.")]
    intake_district: DistrictShown
    handling_district: DistrictShown
    state: CaseState | None
    responsibility: Responsibility | None
    version: Annotated[
        int, Field(description="Grows with every act that this district knows of; the value of the ETag.")
    ]
    due_act: Annotated[
        str,
        Field(description="What a clerk of this district has to do next: `receive`, `accept`, `decide` …; else empty."),
    ]
    attention: Annotated[str, Field(description="Why it needs a person's eye: the code of a refusal; else empty.")]
    applicant_kind: Annotated[str, Field(description="`person` or `firm`.")]
    applicant_name_masked: Annotated[str, Field(description="A firm's is public and stands in full.")]
    applicant_id_masked: Annotated[str, Field(description="Of a firm its unified social credit code, in full.")]
    handler_name_masked: Annotated[str, Field(description="Who acts for the firm; else empty.")]
    materials: list[Material]
    materials_open: Annotated[bool, Field(description="Whether clerks of this district may open the materials now.")]
    custody: list[CustodyEntry]
    decision: Decision | None
    kiosk_id: str
    submitted_at: Moment | None
    received_at: Moment | None
    accepted_at: Moment | None
    closed_at: Moment | None
    updated_at: Moment | None


class Timeline(Given):
    """Both districts' acts as this district knows them, in order."""

    items: list[TimelineEntry]


class CaseTrace(Given):
    trace_id: Annotated[str, Field(description="32 lower-case hex digits.")]
    district: str
    event: str
    at: Moment | None


class CaseStory(Given):
    """The traces of a case, and the spans of them that this district keeps; the other districts' are asked at theirs."""

    number: str
    district: Annotated[str, Field(description="Whose spans these are.")]
    districts: Annotated[list[str], Field(description="Every district that has acted on the case.")]
    traces: list[CaseTrace]
    spans_available: Annotated[bool, Field(description="False: the trace source is away, so `spans` says nothing.")]
    spans: Annotated[
        list[dict[str, Any]],
        Field(description="The spans, grouped by resource, in OTLP's JSON as the trace source gives it."),
    ]
