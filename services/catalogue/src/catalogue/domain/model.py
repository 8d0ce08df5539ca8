"""A service item: what a person may apply for, who decides it, and on which terms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from catalogue.domain.errors import InvalidItem, PromisedAboveStatutory


class Audience(StrEnum):
    """Whom an item is for."""

    PERSON = "person"
    FIRM = "firm"
    BOTH = "both"


class Mode(StrEnum):
    """The three national modes of handling across provinces (Guobanfa [2020] 35)."""

    FULLY_ONLINE = "fully_online"  # 全程网办
    PROXY_COLLECTION = "proxy_collection"  # 异地代收代办
    JOINT_HANDLING = "joint_handling"  # 多地联办


class Provenance(StrEnum):
    """Where a piece of data comes from, so that nobody relies on what was made up."""

    READ = "read"
    RECALLED = "recalled"
    GENERATED = "generated"
    SAMPLE = "sample"
    OWNER = "owner"


@dataclass(frozen=True)
class MaterialRequirement:
    """One material (材料) that an application for the item carries; `key` is stable within the item."""

    key: str
    name_zh: str
    name_en: str
    required: bool


@dataclass(frozen=True)
class Terms:
    """How an item is handled. Limits count working days; the promised limit is never above the statutory one.

    Source: Administrative Licensing Law, articles 42 and 44.
    """

    mode: Mode
    statutory_limit_days: int
    promised_limit_days: int
    materials: tuple[MaterialRequirement, ...]
    provenance: Provenance

    def __post_init__(self) -> None:
        if self.promised_limit_days < 1:
            raise InvalidItem("promised_limit_days", "must be at least one working day")
        if self.promised_limit_days > self.statutory_limit_days:
            raise PromisedAboveStatutory(self.promised_limit_days, self.statutory_limit_days)


@dataclass(frozen=True)
class Content:
    """What the owner says of an item; publishing the same content again changes nothing."""

    code: str
    name_zh: str
    name_en: str
    audience: Audience
    theme: str
    source: str
    provenance: Provenance
    terms: Terms


@dataclass(frozen=True)
class Item:
    """A published item of `handling_district` (办理地, six-digit division code), which decides on applications for it."""

    content: Content
    handling_district: str
    version: int
    published_at: datetime

    @property
    def code(self) -> str:
        return self.content.code

    def revised(self, content: Content, at: datetime) -> Item:
        """The item with new content, one version on."""
        return replace(self, content=content, version=self.version + 1, published_at=at)
