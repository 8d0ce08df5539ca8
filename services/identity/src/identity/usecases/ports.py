"""What the use cases need of a database: the fake of the tests and `adapters/storage.py` pass one suite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from identity.domain.events import AccountDisabled
from identity.domain.grants import Code, Grant
from identity.domain.logouts import Logout
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

    def by_sid(self, sid: str) -> Session | None: ...

    def hold(self, sid: str) -> Session | None:
        """As `by_sid`, and nobody ends the session before the transaction ends."""

    def of(self, subject: str) -> Sequence[Session]:
        """Every session of `subject` that was not ended, the newest first; some may have expired."""

    def add(self, session: Session) -> None: ...

    def renew(self, key: str, session: Session) -> None:
        """Puts `session`, of the same sid, in the place of the one under `key`."""

    def end(self, sid: str, now: datetime) -> bool:
        """Ends an open session; False where it is not there or has ended, and stays as it is."""

    def end_all(self, subject: str, now: datetime) -> Sequence[str]:
        """Ends every open session of `subject`; their sids."""

    def ended_since(self, moment: datetime) -> Sequence[str]:
        """Sids of those that were ended then or later, in that order."""

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


class Grants(Protocol):
    """What relying parties were given. A refresh token and a code are kept under `secret_key` of them."""

    def add(self, grant: Grant, code: Code) -> None: ...

    def get(self, grant_id: str) -> Grant | None: ...

    def by_code(self, key: str) -> tuple[Grant, Code] | None:
        """And nobody else changes the grant before the transaction ends."""

    def by_refresh(self, key: str) -> tuple[Grant, int] | None:
        """The grant and the token's generation; nobody else changes the grant before the transaction ends."""

    def save(self, grant: Grant) -> None: ...

    def add_refresh(self, key: str, grant: Grant, now: datetime) -> None:
        """One more token of the grant's generation."""

    def parties(self, sids: Iterable[str]) -> Mapping[str, Sequence[str]]:
        """The client ids that redeemed a code in each session, in order."""


class Logouts(Protocol):
    """Whom we still have to tell that a session ended."""

    def queue(self, sids: Iterable[str], now: datetime) -> int:
        """Every party of those sessions is to be told; how many are."""

    def waiting(self, now: datetime) -> Sequence[str]:
        """Client ids that are to be told something now."""

    def claim(self, client_id: str, now: datetime, until: datetime, most: int) -> Sequence[Logout]:
        """Takes some whose time has come, the oldest first; nobody else is given them before `until`."""

    def told(self, logout: Logout, now: datetime) -> None: ...

    def again(self, logout: Logout, at: datetime) -> None:
        """Not told; `at`: when to try again."""

    def forget(self, before: datetime) -> int:
        """Removes those of sessions that ended before, told or not; how many were never told."""

    def untold(self) -> int:
        """How many are not told yet."""


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
    @property
    def grants(self) -> Grants: ...
    @property
    def logouts(self) -> Logouts: ...

    def record(self, event: AccountDisabled) -> None:
        """Tells this district's services."""
