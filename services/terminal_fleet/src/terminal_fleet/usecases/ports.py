"""What the use cases need of the database and of other services; fakes and adapters pass one suite."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from chassis.paging import Wish

from terminal_fleet.domain.events import KioskChanged, ToDistrict
from terminal_fleet.domain.model import Kiosk


class Kiosks(Protocol):
    """Kiosks that this district owns or hosts, by id."""

    def get(self, id: str) -> Kiosk | None: ...

    def get_for_change(self, id: str) -> Kiosk | None:
        """As `get`, and nobody else changes or adds this id before the transaction ends."""

    def holder_of(self, key_thumbprint: str) -> str | None:
        """The id of the kiosk that signs in by this key."""

    def save(self, kiosk: Kiosk) -> None:
        """Raises KeyTaken where another kiosk has its key."""

    def list(self, wish: Wish) -> Sequence[Kiosk]:
        """By id; one more than the wish's size."""

    def online_before(self, moment: datetime, limit: int) -> Sequence[Kiosk]:
        """Own kiosks that are online though their last heartbeat came before `moment`, kept from others until the
        transaction ends; those that somebody else has are left out.
        """


class Peers(Protocol):
    """The districts with which this one has an agreement."""

    def add(self, code: str) -> None: ...

    def has(self, code: str) -> bool: ...


class Work(Protocol):
    """One transaction of the terminal fleet of `district`."""

    @property
    def kiosks(self) -> Kiosks: ...

    @property
    def peers(self) -> Peers: ...

    @property
    def district(self) -> str: ...

    def record(self, event: KioskChanged) -> None:
        """Tells this district's services."""

    def send(self, message: ToDistrict, target: str) -> str:
        """Tells another district; returns the message's id, which a refusal would name."""


class Identity(Protocol):
    """The identity service, as far as the terminal fleet asks it."""

    def register_kiosk_client(self, client_id: str, public_jwk: str) -> None:
        """Registers the client under which a kiosk signs in; the same again changes nothing. Raises Fault."""
