"""Happenings and notices for tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from notification.domain.model import Channel, Claimed, Delivery, DeliveryState, Happening, Notice, Text

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
CASE = "320508-20261123-7KQ2M4XW"
PORTAL = "https://portal.example"


def happening(event: str = "accepted", **changes: Any) -> Happening:
    values: dict[str, Any] = {
        "thing": "case",
        "number": CASE,
        "event": event,
        "at": NOW,
        "subject": "person-1",
        "item_name_zh": "社会保障卡申领",
        "item_name_en": "apply for a social-security card",
    }
    return Happening(**(values | changes))


def counted_ids() -> Callable[[], UUID]:
    """Identifiers that sort by when they were made, as UUIDv7 do."""
    numbers = itertools.count(1)
    return lambda: UUID(int=next(numbers))


def notice(id: str = "n1", **changes: Any) -> Notice:
    values: dict[str, Any] = {
        "about": CASE,
        "event": "accepted",
        "subject": "person-1",
        "text": Text("已受理 / accepted", "您的办件已受理。\n"),
        "created_at": NOW,
    }
    return Notice(id, **(values | changes))


def delivery(id: str = "d1", **changes: Any) -> Delivery:
    values: dict[str, Any] = {
        "notice_id": "n1",
        "about": CASE,
        "event": "accepted",
        "channel": Channel.EMAIL,
        "state": DeliveryState.WAITING,
        "created_at": NOW,
    }
    return Delivery(id, **(values | changes))


def claimed(**changes: Any) -> Claimed:
    values: dict[str, Any] = {
        "delivery": delivery(attempts=1),
        "subject": "person-1",
        "text": notice().text,
        "until": NOW,
    }
    return Claimed(**(values | changes))
