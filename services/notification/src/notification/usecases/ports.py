"""What the use cases need of the outside: the fakes of the tests and the adapters pass one suite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from chassis.paging import Wish

from notification.domain.model import Claimed, Delivery, Notice


class Notices(Protocol):
    """What people were told."""

    def add(self, notice: Notice) -> bool:
        """Keeps `notice`; False, and nothing changes, where this person was told of this event before."""

    def list_of(self, subject: str, wish: Wish) -> Sequence[Notice]:
        """A person's notices, newest first; one more than the wish's size. The key is (id,)."""

    def mark_read(self, id: str, subject: str, now: datetime) -> Notice | None:
        """The person's notice, read at `now` or before; None where they have none of this id."""


class Deliveries(Protocol):
    """How notices go out."""

    def add(self, delivery: Delivery) -> None: ...

    def list_about(self, about: str, wish: Wish) -> Sequence[Delivery]:
        """Deliveries about one case or ticket, oldest first; one more than the wish's size. The key is (id,)."""

    def claim(self, now: datetime, *, most: int, until: datetime) -> Sequence[Claimed]:
        """Mails that are due, each given to nobody else before `until`; counts the try."""

    def mark_sent(self, id: str, now: datetime) -> None:
        """It went out, whoever holds the lease by now."""

    def mark_skipped(self, claimed: Claimed, error: str) -> None: ...

    def mark_failed(self, claimed: Claimed, error: str, next_try: datetime | None) -> None:
        """Waits until `next_try`, or is given up where that is None; nothing where somebody else holds the lease by now."""


class Work(Protocol):
    """One transaction."""

    @property
    def notices(self) -> Notices: ...
    @property
    def deliveries(self) -> Deliveries: ...


#: Opens a transaction that commits at the end of its block.
OpenWork = Callable[[], AbstractContextManager[Work]]


class Contacts(Protocol):
    def email_of(self, subject: str) -> str:
        """The person's address, empty where none is known here. Raises MailError."""


class Mailer(Protocol):
    def send(self, claimed: Claimed, to: str) -> None:
        """Returns when the mail server has taken the mail. Raises MailError. The same delivery is the same mail, octet by octet."""
