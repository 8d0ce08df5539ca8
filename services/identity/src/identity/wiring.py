"""Puts identity's bus process together; nothing connects before it is asked to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.clock import new_id
from chassis.logs import get_logger
from chassis.process import Process
from chassis.signed import SigningKey
from chassis.subscriber import Delivery

from identity.adapters.registry_copy import read_copy, read_root
from identity.adapters.sealing import Sealing, pairwise_key
from identity.adapters.storage import Storage
from identity.domain.federation import ATTEMPT_LIFETIME
from identity.domain.logouts import KEEP_UNTOLD
from identity.domain.policies import SESSION_LIFETIME, pairwise_subject
from identity.domain.proofs import Proof, Way
from identity.domain.registry import Registry
from identity.settings import Settings

log = get_logger(__name__)

#: Sessions that ended and assertions that expired are kept this long, to be looked at.
KEEP = timedelta(days=1)
#: Lines about people of other districts.
KEEP_LOG = timedelta(days=180)


@dataclass(frozen=True)
class App:
    """What the service's methods work with."""

    process: Process
    sealing: Sealing
    root: SigningKey

    @property
    def district(self) -> str:
        return self.process.settings.district

    def now(self) -> datetime:
        return self.process.clock.now()

    @contextmanager
    def work(self) -> Iterator[Storage]:
        """A transaction of its own: committed at the end, rolled back by an error."""
        with self.process.database.transaction() as connection:
            yield Storage(connection, self.sealing, self.process.outbox(connection))

    def join(self, delivery: Delivery) -> Storage:
        """The transaction in which an event is handled once."""
        return Storage(delivery.connection, self.sealing, self.process.outbox(delivery.connection))

    def signed_registry(self, text: str) -> tuple[Registry, str]:
        """The registry that the courier tells of, its signature checked, and its text. Raises BadRegistry."""
        return read_copy(text, self.root), text

    def pairwise(self, subject: str, district: str) -> str:
        """The subject as `district` knows it; its own at home, none where none is wanted."""
        if not district:
            return ""
        return subject if district == self.district else pairwise_subject(self.sealing.pairwise_key, subject, district)

    def window_proof(self, by: str) -> Proof:
        """That `by` had somebody before them now; whom, is filled in where it is recorded."""
        return Proof(str(new_id()), "", Way.WINDOW, "window", by, self.now())

    def forget(self, work: Storage) -> None:
        """Removes what nobody needs any more."""
        work.sessions.forget(self.now() - SESSION_LIFETIME - KEEP)
        work.clients.forget_assertions(self.now() - KEEP)
        if given_up := work.logouts.forget(self.now() - KEEP_UNTOLD):
            log.warning("logouts that parties were never told are forgotten", count=given_up)
        work.switches.forget(self.now() - ATTEMPT_LIFETIME)
        work.federation_log.forget(self.now() - KEEP_LOG)
        work.foreign_firms.forget(self.now())


def build(process: Process) -> App:
    assert isinstance(process.settings, Settings)
    settings = process.settings
    sealing = Sealing(settings.field_key, pairwise_key(settings.field_key, settings.pairwise_key))
    return App(process, sealing, read_root(settings.alliance_root))
