"""Which sessions ended while access tokens of theirs may still be good, so that the gateway refuses those tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from identity.usecases.ports import Work

#: The longest life of an access token, and a minute for clocks and whoever asks late.
LAST = timedelta(minutes=11)
#: Sessions that end in transactions that are under way at the moment of the question are told with the next one.
OVERLAP = timedelta(seconds=30)


def list_ended_sessions(work: Work, since: datetime | None, *, now: datetime) -> tuple[Sequence[str], datetime]:
    """Sids by the time they ended, and what to ask with the next time; a sid may be told twice and is never missed."""
    earliest = now - LAST
    return work.sessions.ended_since(max(since, earliest) if since else earliest), now - OVERLAP
