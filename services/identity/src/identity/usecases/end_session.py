"""End sessions: in the same transaction every relying party of theirs is queued to be told."""

from __future__ import annotations

from datetime import datetime

from identity.domain.errors import SessionNotFound
from identity.domain.policies import secret_key
from identity.usecases.ports import Work


def end_session(work: Work, cookie: str, *, now: datetime) -> None:
    """The one behind `cookie`; where there is none, nothing happens."""
    session = work.sessions.get(secret_key(cookie)) if cookie else None
    if session:
        end_by_sid(work, session.sid, now=now)


def end_by_sid(work: Work, sid: str, *, now: datetime) -> None:
    """One that has ended already is not told again."""
    if work.sessions.end(sid, now):
        work.logouts.queue([sid], now)


def end_own_session(work: Work, subject: str, sid: str, *, now: datetime) -> None:
    """Raises SessionNotFound where `subject` has no open session of that name."""
    if all(session.sid != sid for session in work.sessions.of(subject) if session.is_open(now)):
        raise SessionNotFound
    end_by_sid(work, sid, now=now)


def end_sessions(work: Work, subject: str, *, now: datetime) -> None:
    """All of `subject`."""
    work.logouts.queue(work.sessions.end_all(subject, now), now)
