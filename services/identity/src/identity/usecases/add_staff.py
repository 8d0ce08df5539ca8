"""Give somebody who works here an account: also the first operator of a new district."""

from __future__ import annotations

from collections.abc import Iterable

from identity.domain.errors import LoginTaken
from identity.domain.model import Account, AccountKind, Assurance, Person
from identity.domain.policies import staff_roles
from identity.domain.sign_up import check_email, check_login, check_name
from identity.usecases.ports import Work


def new_staff(subject: str, login: str, name: str, email: str, roles: Iterable[str]) -> Account:
    """L5: who runs the command has them before them, as at a window. Raises InvalidField."""
    person = Person(check_name(name), "", check_email(email), "")
    return Account(subject, check_login(login), AccountKind.STAFF, staff_roles(roles), Assurance.L5, person)


def add_staff(work: Work, account: Account, password_hash: str) -> None:
    """Raises LoginTaken."""
    if not work.accounts.add_if_free(account, password_hash):
        raise LoginTaken(account.login)
