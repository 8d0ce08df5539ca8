"""Service items (政务服务事项)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from gateway.schemas.common import DistrictShown, Given, Moment, Provenance, Sent, Whole, example, line

Audience = Literal["person", "firm", "both"]
Mode = Annotated[
    Literal["fully_online", "proxy_collection", "joint_handling"],
    Field(description="全程网办, 异地代收代办, 多地联办: the three national modes of handling across provinces."),
]
LimitDays = Annotated[Whole, Field(ge=1, le=1000, description="Working days.")]

EXAMPLE: dict[str, Any] = {
    "name_zh": "社会保障卡申领",
    "name_en": "apply for a social-security card",
    "audience": "person",
    "theme": "social security",
    "mode": "fully_online",
    "statutory_limit_days": 20,
    "promised_limit_days": 10,
    "materials": [{"key": "identity_card", "name_zh": "居民身份证", "name_en": "identity card", "required": True}],
    "source": "entered by the district's catalogue editor",
    "provenance": "owner",
    "terms_provenance": "owner",
}


class MaterialRequirementSent(Sent):
    """One material that an application for the item carries."""

    key: Annotated[
        str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$"), Field(description="Stable within the item.")
    ]
    name_zh: Annotated[str, line(200)]
    name_en: Annotated[str, line(300, may_be_empty=True)] = ""
    required: bool


class ItemSent(Sent):
    """What the owner says of an item; the promised limit is never above the statutory one."""

    name_zh: Annotated[str, line(200)]
    name_en: Annotated[str, line(300)]
    audience: Audience
    theme: Annotated[str, line(100)]
    mode: Mode
    statutory_limit_days: LimitDays
    promised_limit_days: LimitDays
    materials: Annotated[list[MaterialRequirementSent], Field(max_length=50)]
    source: Annotated[str, line(500, may_be_empty=True)] = ""
    provenance: Provenance
    terms_provenance: Provenance

    model_config = example(EXAMPLE)


class MaterialRequirement(Given):
    key: str
    name_zh: str
    name_en: str
    required: bool


class Item(Given):
    """A published item of the district that decides on it (办理地)."""

    code: Annotated[str, Field(description="Opaque.")]
    handling_district: DistrictShown
    name_zh: str
    name_en: str
    audience: Audience | None
    theme: str
    mode: Mode | None
    statutory_limit_days: int
    promised_limit_days: int
    materials: list[MaterialRequirement]
    source: Annotated[str, Field(description="Where the item's name comes from.")]
    provenance: Annotated[
        Provenance | None, Field(description="Of the name. Show `recalled` wherever the item is shown.")
    ]
    terms_provenance: Annotated[Provenance | None, Field(description="Of limits, materials and mode.")]
    version: int
    published_at: Moment | None
