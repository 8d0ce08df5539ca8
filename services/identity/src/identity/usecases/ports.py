"""What the use cases need of the world; of a database the fake of the tests and `adapters/storage.py` pass one suite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from identity.domain.events import AccountDisabled
from identity.domain.firms import Firm, Mandate
from identity.domain.grants import Code, Grant
from identity.domain.logouts import Logout
from identity.domain.model import Account, Client, Session
from identity.domain.proofs import Proof
from identity.usecases.foreign_ports import FederationLog, ForeignAccounts, ForeignFirms, ForeignSessions, Switches


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

    def save_proven(self, account: Account) -> bool:
        """As `save`; False, and nothing has changed, where another account's proof of the same ID number is as good (L4, L5)."""

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

    def act_for(self, key: str, firm: str) -> None:
        """Notes for whom the person acts there; "": for themself."""

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

    def oldest(self) -> Mapping[str, datetime]:
        """When the session ended that each party has waited longest to be told of; those alone that wait."""

    def untold(self) -> int:
        """How many are not told yet."""


class Firms(Protocol):
    """Firms that are known here."""

    def get(self, subject: str) -> Firm | None: ...

    def get_for_change(self, subject: str) -> Firm | None:
        """As `get`, and nobody else changes the firm before the transaction ends."""

    def by_credit_code(self, credit_code: str) -> Firm | None:
        """And nobody else changes the firm before the transaction ends."""

    def of_representative(self, subject: str) -> Sequence[Firm]: ...

    def add(self, firm: Firm) -> bool:
        """False where the credit code is known already."""

    def save(self, firm: Firm) -> None: ...


class Mandates(Protocol):
    """Who may act for which firm; ended ones stay."""

    def get(self, id: str) -> Mandate | None:
        """And nobody else changes it before the transaction ends."""

    def of_handler(self, id_number: str) -> Sequence[Mandate]:
        """Every mandate of the person with that number, in force or not."""

    def of_firm(self, firm: str) -> Sequence[Mandate]:
        """The newest first."""

    def add(self, mandate: Mandate) -> None: ...

    def save(self, mandate: Mandate) -> None:
        """Keeps that it ended; nothing else of a mandate changes."""


class Proofs(Protocol):
    """How everybody's identity was proven: only added to."""

    def add(self, proof: Proof) -> None: ...

    def of(self, subject: str) -> Sequence[Proof]:
        """The newest first."""


class ProofingSource(Protocol):
    """Who can say whether somebody is who they claim to be: a national register, a bank, a certificate authority.

    Asked outside any transaction. Every question raises ProofingAway where it cannot be asked now.
    """

    @property
    def name(self) -> str:
        """Kept with every proof."""

    @property
    def note(self) -> tuple[str, str] | None:
        """What every page must say of it, in Chinese and English."""

    def two_elements(self, name: str, id_number: str) -> bool:
        """Whether name and number belong together; says nothing of who asks."""

    def document(self, name: str, id_number: str, ends: date) -> bool:
        """Whether the person, the name and a document that is valid until `ends` belong together."""

    def representative(self, firm: str, credit_code: str, name: str, id_number: str) -> bool:
        """Whether the person is the legal representative of the firm of that name and unified social credit code."""


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
    @property
    def firms(self) -> Firms: ...
    @property
    def mandates(self) -> Mandates: ...
    @property
    def proofs(self) -> Proofs: ...
    @property
    def switches(self) -> Switches: ...
    @property
    def foreign_accounts(self) -> ForeignAccounts: ...
    @property
    def foreign_sessions(self) -> ForeignSessions: ...
    @property
    def foreign_firms(self) -> ForeignFirms: ...
    @property
    def federation_log(self) -> FederationLog: ...

    def record(self, event: AccountDisabled) -> None:
        """Tells this district's services."""
