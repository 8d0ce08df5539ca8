"""Puts the hotline together; nothing connects before it is asked to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.process import Process
from chassis.sealed import FieldCipher
from chassis.subscriber import Delivery
from sqlalchemy import Connection

from hotline.adapters.remote import Identity
from hotline.adapters.storage import Work
from hotline.usecases.ports import Identity as IdentityPort
from hotline.usecases.transfer_ticket import opener_known_here


@dataclass(frozen=True)
class App:
    """What the service's methods work with."""

    process: Process
    cipher: FieldCipher
    identity: IdentityPort

    def now(self) -> datetime:
        return self.process.clock.now()

    def new_id(self) -> UUID:
        return self.process.new_id()

    @contextmanager
    def work(self) -> Iterator[Work]:
        """A transaction of its own: committed at the end, rolled back by an error."""
        with self.process.database.transaction() as connection:
            yield self._work(connection)

    def join(self, delivery: Delivery) -> Work:
        """The transaction in which an event is handled once."""
        return self._work(delivery.connection)

    def opener_at(self, number: str, district: str) -> str:
        """The subject of a ticket's opener in another district, asked of identity with no transaction open."""
        with self.work() as work:
            subject = opener_known_here(work, number)
        return self.identity.subject_at(subject, district) if subject else ""

    def _work(self, connection: Connection) -> Work:
        return Work(connection, self.process.outbox(connection), self.cipher, self.process.settings.district)


def build(process: Process) -> App:
    cipher = FieldCipher(process.settings.field_key)
    return App(process, cipher, Identity(process.caller))
