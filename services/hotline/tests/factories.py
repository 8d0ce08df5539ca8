"""Tickets for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hotline.domain.model import State, Ticket, Viewer

GUSU, HUANGPU, SHANGCHENG = "320508", "310101", "330102"
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
AGENT = Viewer("agent-1", is_agent=True)
CITIZEN = Viewer("citizen-1", is_agent=False)


def identifier(n: int) -> UUID:
    """Identifiers that sort by `n`."""
    return UUID(int=n)


def ticket(n: int = 1, **changes: Any) -> Ticket:
    values: dict[str, Any] = {
        "number": f"T{GUSU}-20261123-{n:08d}",
        "place": str(identifier(n)),
        "district": GUSU,
        "opened_in": GUSU,
        "state": State.OPEN,
        "holder": GUSU,
        "opener_subject": CITIZEN.subject,
        "subject_line": "社保卡在哪里补办？",
        "body": "我的卡丢了。\nWhere do I replace it?",
        "opened_at": NOW,
    }
    return Ticket(**(values | changes)).after("opened", NOW)
