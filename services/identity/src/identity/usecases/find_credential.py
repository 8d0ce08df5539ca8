"""What a password is verified against."""

from __future__ import annotations

from dataclasses import dataclass, field

from identity.usecases.ports import Work


@dataclass(frozen=True)
class Credential:
    subject: str
    password_hash: str = field(repr=False)


def find_credential(work: Work, login: str) -> Credential | None:
    """None where nobody of that name may sign in, for whatever reason: the caller must not tell which."""
    account = work.accounts.by_login(login)
    if account is None or not account.enabled:
        return None
    return Credential(account.subject, work.accounts.password_hash(account.subject))
