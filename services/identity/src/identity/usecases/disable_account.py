"""Shut an account out: its sessions end in the same transaction."""

from __future__ import annotations

from datetime import datetime

from identity.domain.errors import AccountNotFound, OwnAccount
from identity.domain.events import AccountDisabled
from identity.domain.federation import home_of
from identity.domain.firms import Firm
from identity.domain.model import Account
from identity.usecases.end_session import end_sessions
from identity.usecases.ports import Work


def disable_account(work: Work, subject: str, reason: str, *, by: str, now: datetime) -> Account | Firm:
    """The account or firm as it is now; one that is shut out already changes nothing. Raises AccountNotFound, OwnAccount.

    A person of another district has no account here: their home shuts them out, and so signs them out here.
    """
    if subject == by:
        raise OwnAccount
    account = None if home_of(subject) else work.accounts.get_for_change(subject)
    if account is None:
        return _shut_firm_out(work, subject, reason)
    if not account.enabled:
        return account
    account = account.shut_out()
    work.accounts.save(account)
    end_sessions(work, subject, now=now)
    work.record(AccountDisabled(subject, reason, account.version))
    return account


def _shut_firm_out(work: Work, subject: str, reason: str) -> Firm:
    """Nobody acts for it from now on."""
    firm = work.firms.get_for_change(subject)
    if firm is None:
        raise AccountNotFound
    if firm.enabled:
        firm = firm.shut_out()
        work.firms.save(firm)
        work.record(AccountDisabled(subject, reason, firm.version))
    return firm
