"""Sign a browser in whose user's password was right."""

from __future__ import annotations

from datetime import datetime

from identity.domain.errors import SignInRefused
from identity.domain.model import Account
from identity.domain.policies import open_session, session_key
from identity.usecases.ports import Work


def begin_session(work: Work, subject: str, *, cookie: str, replaces: str, now: datetime) -> Account:
    """Opens a session under the fresh `cookie` and ends the one that the browser came with (session fixation).

    Raises SignInRefused where the account was shut out since its password was looked up.
    """
    account = work.accounts.get_for_change(subject)
    if account is None or not account.enabled:
        raise SignInRefused
    if replaces:
        work.sessions.end(session_key(replaces), now)
    work.sessions.add(open_session(cookie, subject, now))
    return account
