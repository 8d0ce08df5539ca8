"""What the use cases need of a database: the fake of the tests and `adapters/storage.py` pass one suite."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from identity.domain.events import AccountDisabled
from identity.domain.model import Account, Client, Session


class Accounts(Protocol):
    """Everybody who can sign in here."""

    def get(self, subject: str) -> Account | None: ...

    def get_for_change(self, subject: str) -> Account | None:
        """As `get`, and nobody else changes the account before the transaction ends."""

    def by_login(self, login: str) -> Account | None: ...

    def password_hash(self, subject: str) -> str: ...

    def add(self, account: Account, password_hash: str) -> None: ...

    def add_if_free(self, account: Account, password_hash: str) -> bool:
        """Adds it, unless its user name is taken: then False, and nothing has changed."""

    def save(self, account: Account) -> None: ...

    def set_password_hash(self, subject: str, password_hash: str) -> None: ...


class Sessions(Protocol):
    """Signed-in browsers."""

    def get(self, key: str) -> Session | None: ...

    def add(self, session: Session) -> None: ...

    def end(self, key: str, now: datetime) -> None:
        """Ends an open session; one that is not there or has ended stays as it is."""

    def end_all(self, subject: str, now: datetime) -> int:
        """Ends every open session of `subject`; how many."""

    def forget(self, before: datetime) -> int:
        """Removes those that expired before; how many."""


class Clients(Protocol):
    """Machines that sign in by a key."""

    def get(self, client_id: str) -> Client | None: ...

    def add(self, client: Client) -> bool:
        """False where the id is taken."""

    def use_assertion(self, client_id: str, jti: str, expires_at: datetime) -> bool:
        """Notes that this assertion was used; False where it had been, ever since a time before its expiry."""

    def forget_assertions(self, before: datetime) -> int:
        """Removes those that expired before; how many."""


class Registries(Protocol):
    """The registry of districts, as it was signed."""

    def newest(self) -> tuple[int, str] | None:
        """Version and text of the highest one kept."""

    def keep(self, version: int, text: str, now: datetime) -> None: ...


class Work(Protocol):
    """One transaction."""

    @property
    def accounts(self) -> Accounts: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def clients(self) -> Clients: ...
    @property
    def registry(self) -> Registries: ...

    def record(self, event: AccountDisabled) -> None:
        """Tells this district's services."""
