"""What becomes of a session that stands on one at another district when its home was asked about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from identity.domain.federation import ForeignSession, HomeAnswer
from identity.usecases.end_foreign_session import end_foreign_session
from identity.usecases.ports import Work


def keep_confirmed(
    work: Work, session: ForeignSession, answer: HomeAnswer, refresh_token: str, *, now: datetime, check_at: datetime
) -> bool:
    """The home says that its session stands. False where it speaks of somebody or something else now: then it ends.

    Less assurance than before ends it too: what was given under the old word must not go on; the next switch has the new one.
    """
    same = (answer.sid, f"{session.home}:{answer.subject}") == (session.home_sid, session.subject)
    if not same or answer.acr < session.acr:
        end_foreign_session(work, session.sid, "home_changed_its_word", now=now)
        return False
    if work.foreign_sessions.get(session.sid) is not None:  # else it was ended meanwhile
        work.foreign_sessions.put(replace(session, refresh_token=refresh_token, confirmed_at=now), check_at)
    return True


def note_silence(work: Work, session: ForeignSession, *, silence: timedelta, now: datetime, again_at: datetime) -> bool:
    """The home could not be asked; True where it has been silent for too long and the session ends."""
    if now - session.confirmed_at < silence:
        work.foreign_sessions.check_again(session.sid, again_at)
        return False
    end_foreign_session(work, session.sid, "home_silent", now=now)
    return True
