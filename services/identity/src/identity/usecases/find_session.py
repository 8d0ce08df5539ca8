"""Who is signed in."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from identity.domain.errors import NotSignedIn
from identity.domain.federation import home_of
from identity.domain.model import Account, Session
from identity.domain.policies import secret_key
from identity.usecases.ports import Work


def find_session(work: Work, cookie: str, *, now: datetime) -> tuple[Session, Account]:
    """The open session behind `cookie` and its account. Raises NotSignedIn.

    A person of another district is proven as strongly as this session's home said, whatever other sessions of theirs are.
    """
    session = work.sessions.get(secret_key(cookie)) if cookie else None
    if session is None or not session.is_open(now):
        raise NotSignedIn
    account = work.accounts.get(session.subject)
    if account is None or not account.enabled:
        raise NotSignedIn
    if home_of(session.subject):
        stands_on = work.foreign_sessions.get(session.sid)
        if stands_on is None:
            raise NotSignedIn
        account = replace(account, acr=stands_on.acr)
    return session, account
