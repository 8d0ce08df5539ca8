"""Puts identity's bus process together; nothing connects before it is asked to."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.process import Process

from identity.adapters.sealing import Sealing
from identity.adapters.storage import Storage
from identity.domain.policies import SESSION_LIFETIME, pairwise_subject

#: Sessions that ended and assertions that expired are kept this long, to be looked at.
KEEP = timedelta(days=1)


@dataclass(frozen=True)
class App:
    """What the service's methods work with."""

    process: Process
    sealing: Sealing

    def now(self) -> datetime:
        return self.process.clock.now()

    @contextmanager
    def work(self) -> Iterator[Storage]:
        """A transaction of its own: committed at the end, rolled back by an error."""
        with self.process.database.transaction() as connection:
            yield Storage(connection, self.sealing, self.process.outbox(connection))

    def pairwise(self, subject: str, district: str) -> str:
        """The subject as `district` knows it; its own at home, none where none is wanted."""
        if not district:
            return ""
        home = self.process.settings.district
        return subject if district == home else pairwise_subject(self.sealing.pairwise_key, subject, district)

    def forget(self, work: Storage) -> None:
        """Removes what nobody needs any more."""
        work.sessions.forget(self.now() - SESSION_LIFETIME - KEEP)
        work.clients.forget_assertions(self.now() - KEEP)


def build(process: Process) -> App:
    return App(process, Sealing(base64.b64decode(process.settings.field_key)))
