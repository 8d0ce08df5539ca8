"""Sign a browser in whose user proved who they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from identity.domain.errors import SignInRefused
from identity.domain.model import Account
from identity.domain.policies import open_session, secret_key
from identity.usecases.end_session import end_by_sid
from identity.usecases.ports import Work


def begin_session(
    work: Work, subject: str, *, cookie: str, sid: str, replaces: str, now: datetime, proven_at: datetime | None = None
) -> Account:
    """Opens a session under the fresh `cookie`; the cookie that the browser came with opens nothing more (session fixation).

    Whoever signs in again keeps the session's name, and so the relying parties it has; what was somebody else's ends.
    `proven_at`: when they proved it, where that was at their home and not just now.
    Raises SignInRefused where the account was shut out since its password was looked up.
    """
    account = work.accounts.get_for_change(subject)
    if account is None or not account.enabled:
        raise SignInRefused
    session = replace(open_session(cookie, sid, subject, now), signed_in_at=proven_at or now)
    old = work.sessions.get(secret_key(replaces)) if replaces else None
    if old and old.is_open(now) and old.subject == subject:
        # For whom they act is not changed behind their back.
        work.sessions.renew(old.key, replace(session, sid=old.sid, acting_for=old.acting_for))
        return account
    if old:
        end_by_sid(work, old.sid, now=now)
    work.sessions.add(session)
    return account
