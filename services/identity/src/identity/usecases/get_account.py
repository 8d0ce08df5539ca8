"""One account by its subject."""

from __future__ import annotations

from identity.domain.errors import AccountNotFound
from identity.domain.model import Account
from identity.usecases.ports import Work


def get_account(work: Work, subject: str) -> Account:
    """Raises AccountNotFound."""
    account = work.accounts.get(subject)
    if account is None:
        raise AccountNotFound
    return account
