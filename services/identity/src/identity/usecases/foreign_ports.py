"""What the use cases need of a database for people of other districts; see ports.py."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from identity.domain.federation import Attempt, ForeignSession
from identity.domain.firms import Standing
from identity.domain.model import Account, Assurance, Person
from identity.domain.vouching import Word


class Switches(Protocol):
    """Sign-ins that were begun at somebody's home and have not come back."""

    def begin(self, attempt: Attempt) -> None: ...

    def take(self, state_key: str, browser_key: str) -> Attempt | None:
        """The attempt of that state, where this browser began it; nobody is given it again."""

    def forget(self, before: datetime) -> int:
        """Removes those begun before; how many."""


class ForeignAccounts(Protocol):
    """People of other districts, as their homes say. `Accounts.get` finds them too."""

    def get(self, subject: str) -> Account | None: ...

    def get_for_change(self, subject: str) -> Account | None:
        """As `get`, and nobody else changes the account before the transaction ends."""

    def keep(self, subject: str, person: Person, acr: Assurance, now: datetime) -> None:
        """As the home says now."""


class ForeignSessions(Protocol):
    """What sessions of people of other districts stand on."""

    def put(self, session: ForeignSession, check_at: datetime) -> None:
        """The home said so now, and is asked again at `check_at`."""

    def get(self, sid: str) -> ForeignSession | None: ...

    def of_home(self, home: str, home_sid: str) -> Sequence[str]:
        """Our sids that stand on that session."""

    def elsewhere_than(self, homes: Collection[str]) -> Sequence[str]:
        """Sids of people whose home is none of these."""

    def due(self, now: datetime) -> Sequence[str]:
        """Homes that are to be asked now about open sessions, by code."""

    def claim(self, home: str, now: datetime, until: datetime, most: int) -> Sequence[ForeignSession]:
        """Open ones of that home about which it is to be asked now; nobody else is given them before `until`."""

    def unconfirmed_since(self, moment: datetime, now: datetime, most: int) -> Sequence[str]:
        """Sids of open ones whose homes said nothing after `moment`; nobody else is given them in this transaction."""

    def check_again(self, sid: str, at: datetime) -> None: ...

    def drop(self, sid: str) -> None: ...


class ForeignFirms(Protocol):
    """For which firms of their home people of other districts may act, as it said last."""

    def keep(self, subject: str, word: Word) -> None:
        """What the home says of that person now; a word that was asked for sooner than the one kept changes nothing."""

    def of(self, subject: str, now: datetime) -> Sequence[Standing]:
        """None where the word is too old."""

    def forget(self, before: datetime) -> int:
        """Removes words that counted until before; how many."""


class FederationLog(Protocol):
    """The audit of people of other districts; no personal data."""

    def note(self, event: str, session: ForeignSession, detail: str, now: datetime) -> None: ...

    def forget(self, before: datetime) -> int:
        """Removes lines from before; how many."""
