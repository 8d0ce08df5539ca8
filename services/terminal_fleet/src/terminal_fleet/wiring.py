"""Puts the terminal fleet together; nothing connects before it is asked to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from chassis.process import Process
from chassis.subscriber import Delivery

from terminal_fleet.adapters.remote import Identity
from terminal_fleet.adapters.storage import Work
from terminal_fleet.domain.model import Kiosk
from terminal_fleet.settings import Settings
from terminal_fleet.usecases.ports import Identity as IdentityPort
from terminal_fleet.usecases.register_kiosk import check_may_register


@dataclass(frozen=True)
class App:
    """What the service's methods work with."""

    process: Process
    settings: Settings
    identity: IdentityPort

    @property
    def district(self) -> str:
        return self.settings.district

    def now(self) -> datetime:
        return self.process.clock.now()

    def register_client(self, kiosk: Kiosk, public_jwk: str) -> None:
        """Registers the kiosk's client at identity, with no transaction open, unless the kiosk is kept already.

        So a repeated request does it again only if the first one came no further, and one under the same key with
        another public key never replaces that of a kiosk. Raises HostNotLinked, KeyTaken, and Fault as identity refuses.
        """
        with self.work() as work:
            is_kept = work.kiosks.get(kiosk.id) is not None
            if not is_kept:
                check_may_register(work, kiosk)
        if not is_kept:
            self.identity.register_kiosk_client(kiosk.client_id, public_jwk)

    @contextmanager
    def work(self) -> Iterator[Work]:
        """A transaction of its own: committed at the end, rolled back by an error."""
        with self.process.database.transaction() as connection:
            yield Work(connection, self.process.outbox(connection), self.district)

    def join(self, delivery: Delivery) -> Work:
        """The transaction in which an event is handled once."""
        return Work(delivery.connection, self.process.outbox(delivery.connection), self.district)


def build(process: Process) -> App:
    assert isinstance(process.settings, Settings)
    return App(process, process.settings, Identity(process.caller))
