"""Items for tests: valid unless a test says otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from catalogue.domain.model import Audience, Content, Item, MaterialRequirement, Mode, Provenance, Terms

GUSU, HUANGPU, SHANGCHENG = "320508", "310101", "330102"
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def terms(**changes: Any) -> Terms:
    values: dict[str, Any] = {
        "mode": Mode.FULLY_ONLINE,
        "statutory_limit_days": 20,
        "promised_limit_days": 10,
        "materials": (MaterialRequirement("application_form", "申请表", "application form", True),),
        "provenance": Provenance.SAMPLE,
    }
    return Terms(**(values | changes))


def content(code: str = "320508-card", **changes: Any) -> Content:
    values: dict[str, Any] = {
        "code": code,
        "name_zh": "社会保障卡申领",
        "name_en": "apply for a social-security card",
        "audience": Audience.PERSON,
        "theme": "social security",
        "source": "a test",
        "provenance": Provenance.GENERATED,
        "terms": terms(),
    }
    return Content(**(values | changes))


def item(code: str = "320508-card", *, district: str = GUSU, version: int = 1, **changes: Any) -> Item:
    return Item(content(code, **changes), district, version, NOW)
