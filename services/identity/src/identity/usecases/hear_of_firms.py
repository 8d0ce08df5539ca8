"""A home says for which of its firms one of its people may act: kept until it says otherwise, or says nothing for too long."""

from __future__ import annotations

from datetime import datetime, timedelta

from identity.domain.federation import ForeignSession
from identity.domain.vouching import ACTING_CONFIRM, Word
from identity.usecases.ports import Work


def hear_of_firms(work: Work, session: ForeignSession, word: Word, *, now: datetime) -> None:
    """The newest word counts, in every session of the person; what it changed stands in the audit."""
    before = {held.firm.subject for held in work.foreign_firms.of(session.subject, now)}
    work.foreign_firms.keep(session.subject, word)
    after = {held.firm.subject for held in work.foreign_firms.of(session.subject, now)}
    for event, firms in (("may_act_for", after - before), ("acts_no_more_for", before - after)):
        for firm in sorted(firms):
            work.federation_log.note(event, session, firm, now)


def check_at(work: Work, sid: str, every: timedelta, *, now: datetime) -> datetime:
    """When the home is asked next: sooner while the person acts for a firm."""
    session = work.sessions.by_sid(sid)
    return now + (min(every, ACTING_CONFIRM) if session and session.acting_for else every)
