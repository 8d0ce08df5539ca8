"""Sign a browser in whose user proved who they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from identity.domain.errors import SignInRefused
from identity.domain.model import Account
from identity.domain.policies import open_session, secret_key
from identity.usecases.end_session import end_by_sid
from identity.usecases.ports import Work


def begin_session(work: Work, subject: str, *, cookie: str, sid: str, replaces: str, now: datetime) -> Account:
    """Opens a session under the fresh `cookie`; the cookie that the browser came with opens nothing more (session fixation).

    Whoever signs in again keeps the session's name, and so the relying parties it has; what was somebody else's ends.
    Raises SignInRefused where the account was shut out since its password was looked up.
    """
    account = work.accounts.get_for_change(subject)
    if account is None or not account.enabled:
        raise SignInRefused
    old = work.sessions.get(secret_key(replaces)) if replaces else None
    if old and old.is_open(now) and old.subject == subject:
        # For whom they act is not changed behind their back.
        fresh = replace(open_session(cookie, old.sid, subject, now), acting_for=old.acting_for)
        work.sessions.renew(old.key, fresh)
        return account
    if old:
        end_by_sid(work, old.sid, now=now)
    work.sessions.add(open_session(cookie, sid, subject, now))
    return account
