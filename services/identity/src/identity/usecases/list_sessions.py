"""The sessions that somebody has open, with the relying parties of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from identity.domain.model import Session
from identity.usecases.ports import Work


def list_sessions(work: Work, subject: str, *, now: datetime) -> list[tuple[Session, Sequence[str]]]:
    """Each with the client ids it is known to, the newest first."""
    found = [session for session in work.sessions.of(subject) if session.is_open(now)]
    parties = work.grants.parties(session.sid for session in found)
    return [(session, parties.get(session.sid, ())) for session in found]
