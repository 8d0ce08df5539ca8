"""What becomes of a session that stands on one at another district when its home was asked about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from identity.domain.federation import ForeignSession, HomeAnswer
from identity.domain.vouching import Word
from identity.usecases.end_foreign_session import end_foreign_session
from identity.usecases.hear_of_firms import check_at, hear_of_firms
from identity.usecases.ports import Work

#: In the audit: the home said nothing for too long.
SILENT = "home_silent"


@dataclass(frozen=True)
class Confirmation:
    """What a home answered when it was asked about a session."""

    answer: HomeAnswer
    refresh_token: str = field(repr=False)
    #: For which firms the person may act; None where it was asked for and did not come: then the word of before runs out.
    firms: Word | None


def keep_confirmed(
    work: Work, session: ForeignSession, told: Confirmation, *, now: datetime, every: timedelta, silence: timedelta
) -> bool:
    """The home says that its session stands. False where it speaks of somebody or something else now, or too late: then it ends.

    Less assurance than before ends it too: what was given under the old word must not go on; the next switch has the new one.
    """
    answer = told.answer
    if now >= session.stands_until(silence):
        end_foreign_session(work, session.sid, SILENT, now=now)
        return False
    same = (answer.sid, f"{session.home}:{answer.subject}") == (session.home_sid, session.subject)
    if not same or answer.acr < session.acr:
        end_foreign_session(work, session.sid, "home_changed_its_word", now=now)
        return False
    if work.foreign_sessions.get(session.sid) is not None:  # else it was ended meanwhile
        kept = replace(session, refresh_token=told.refresh_token, confirmed_at=now)
        work.foreign_sessions.put(kept, check_at(work, session.sid, every, now=now))
        if told.firms is not None:
            hear_of_firms(work, kept, told.firms, now=now)
    return True


def end_unconfirmed(work: Work, *, now: datetime, silence: timedelta, most: int) -> int:
    """Ends sessions whose homes last confirmed them `silence` ago or longer; how many, at most `most`.

    It waits for no home: whether one answers slowly, or nobody asks it, changes nothing.
    """
    overdue = work.foreign_sessions.unconfirmed_since(now - silence, now, most)
    for sid in overdue:
        end_foreign_session(work, sid, SILENT, now=now)
    return len(overdue)
