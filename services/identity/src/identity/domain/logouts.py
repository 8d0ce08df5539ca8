"""Telling relying parties that a session ended (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

#: While somebody tells one, nobody else does; longer than a try may take.
CLAIM = timedelta(seconds=15)
#: Seconds before a party that could not be told is told again; the last one ever after.
WAITS = (1, 2, 5, 10)
#: A party that was down for longer is told no more: nothing of what it was given is still good.
KEEP_UNTOLD = timedelta(days=7)


@dataclass(frozen=True)
class Logout:
    """One party, one session that ended."""

    client_id: str
    sid: str
    #: The account's own; the party is told its pairwise one.
    subject: str
    ended_at: datetime
    tries: int


def next_try(logout: Logout, now: datetime) -> datetime:
    """When to tell it again after a try that failed; `tries` counts that one too."""
    return now + timedelta(seconds=WAITS[min(max(logout.tries, 1), len(WAITS)) - 1])
