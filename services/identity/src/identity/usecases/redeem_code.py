"""Redeem an authorization code: once, whoever comes how often at the same moment."""

from __future__ import annotations

from datetime import datetime, timedelta

from identity.domain.grants import Code, Grant
from identity.domain.model import Account
from identity.domain.policies import secret_key
from identity.usecases.find_session import stands
from identity.usecases.ports import Work


def find_code(work: Work, code: str, client_id: str, *, now: datetime) -> tuple[Grant, Code] | None:
    """What the code was given for, held for this transaction; None where this client cannot redeem it.

    A code that comes twice was stolen from one of the two: everything that was given for it ends (RFC 6749 section
    4.1.2). So the caller commits, whatever it answers.
    """
    found = work.grants.by_code(secret_key(code))
    if found is None or found[0].client_id != client_id:
        return None
    grant, kept = found
    if grant.redeemed_at is not None:
        work.grants.save(grant.ended(now))
        return None
    return None if grant.ended_at is not None or kept.expires_at <= now else found


def redeem_code(work: Work, grant: Grant, *, now: datetime, silence: timedelta) -> tuple[Grant, Account] | None:
    """The party is one of the session's from now on; None where the session has ended, or the account was shut out."""
    account = account_of(work, grant, now=now, silence=silence)
    if account is None:
        return None
    grant = grant.redeemed(now)
    work.grants.save(grant)
    return grant, account


def account_of(work: Work, grant: Grant, *, now: datetime, silence: timedelta) -> Account | None:
    """Whoever a grant speaks for, while their session stands; it is not ended before the transaction ends."""
    if not stands(work, work.sessions.hold(grant.sid), now=now, silence=silence):
        return None
    account = work.accounts.get(grant.subject)
    return account if account and account.enabled else None
