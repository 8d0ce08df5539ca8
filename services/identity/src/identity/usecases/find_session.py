"""Who is signed in."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from identity.domain.errors import NotSignedIn
from identity.domain.federation import ForeignSession, home_of
from identity.domain.model import Account, Session
from identity.domain.policies import secret_key
from identity.usecases.ports import Work


def find_session(work: Work, cookie: str, *, now: datetime, silence: timedelta) -> tuple[Session, Account]:
    """The open session behind `cookie` and its account. Raises NotSignedIn.

    A person of another district is proven as strongly as this session's home said, whatever other sessions of theirs are;
    they are signed in for no longer than `silence` after the home's last word.
    """
    session = work.sessions.get(secret_key(cookie)) if cookie else None
    if session is None or not session.is_open(now):
        raise NotSignedIn
    account = work.accounts.get(session.subject)
    if account is None or not account.enabled:
        raise NotSignedIn
    if home_of(session.subject):
        account = replace(account, acr=ground_of(work, session, now=now, silence=silence).acr)
    return session, account


def ground_of(work: Work, session: Session, *, now: datetime, silence: timedelta) -> ForeignSession:
    """What the session of a person of another district stands on. Raises NotSignedIn where that is gone, or too old a word."""
    stands_on = work.foreign_sessions.get(session.sid)
    if stands_on is None or now >= stands_on.stands_until(silence):
        raise NotSignedIn
    return stands_on


def stands(work: Work, session: Session | None, *, now: datetime, silence: timedelta) -> bool:
    """Whether the session is open, and its home's last word recent enough where it stands on one."""
    if session is None or not session.is_open(now):
        return False
    try:
        return not home_of(session.subject) or bool(ground_of(work, session, now=now, silence=silence))
    except NotSignedIn:
        return False
