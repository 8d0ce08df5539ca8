"""Shut an account out: its sessions end in the same transaction."""

from __future__ import annotations

from datetime import datetime

from identity.domain.errors import AccountNotFound, OwnAccount
from identity.domain.events import AccountDisabled
from identity.domain.model import Account
from identity.usecases.end_session import end_sessions
from identity.usecases.ports import Work


def disable_account(work: Work, subject: str, reason: str, *, by: str, now: datetime) -> Account:
    """The account as it is now; one that is shut out already changes nothing. Raises AccountNotFound, OwnAccount."""
    if subject == by:
        raise OwnAccount
    account = work.accounts.get_for_change(subject)
    if account is None:
        raise AccountNotFound
    if not account.enabled:
        return account
    account = account.shut_out()
    work.accounts.save(account)
    end_sessions(work, subject, now=now)
    work.record(AccountDisabled(subject, reason, account.version))
    return account
