"""Load one sample account; again changes nothing but a password that is a new one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from identity.domain.errors import InvalidSample
from identity.domain.model import Account, AccountKind, Role
from identity.usecases.ports import Work


@dataclass(frozen=True)
class Passwords:
    """Hashing, as the adapter does it."""

    hash: Callable[[str], str]
    matches: Callable[[str, str], bool]


def load_sample(
    work: Work, sample: Account, password: str, passwords: Passwords, is_id_number: Callable[[str], bool]
) -> str:
    """Adds the account, or brings the one with its login in step: "new", "changed" or "unchanged".

    Raises InvalidSample, also where the login belongs to an account that is no sample.
    """
    _check(sample, password, is_id_number)
    kept = work.accounts.by_login(sample.login)
    if kept is None:
        work.accounts.add(replace(sample, sample=True), passwords.hash(password))
        return "new"
    if not kept.sample:
        raise InvalidSample(sample.login, "the name belongs to an account that is no sample")
    wanted = replace(sample, subject=kept.subject, version=kept.version, enabled=kept.enabled, sample=True)
    same_password = passwords.matches(work.accounts.password_hash(kept.subject), password)
    if not same_password:
        work.accounts.set_password_hash(kept.subject, passwords.hash(password))
    if wanted != kept:
        work.accounts.save(replace(wanted, version=kept.version + 1))
    return "unchanged" if same_password and wanted == kept else "changed"


def _check(sample: Account, password: str, is_id_number: Callable[[str], bool]) -> None:
    if len(password) < 12:
        raise InvalidSample(sample.login, "its password has fewer than 12 characters")
    if sample.kind is AccountKind.PERSON:
        if not is_id_number(sample.person.id_number):
            raise InvalidSample(sample.login, "its ID number is not one by GB 11643")
        if sample.roles != {Role.CITIZEN}:
            raise InvalidSample(sample.login, "a person is a citizen and nothing else")
    elif Role.CITIZEN in sample.roles or not sample.roles:
        raise InvalidSample(sample.login, "staff has roles of its own, and not the citizen's")
