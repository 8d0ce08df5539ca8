"""Puts the catalogue together; nothing connects before it is asked to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from chassis.logs import get_logger
from chassis.process import Process
from chassis.subscriber import Delivery
from chassis.telemetry import counter

from catalogue.adapters.storage import Work
from catalogue.adapters.vocabulary import vocabulary
from catalogue.domain.search import Vocabulary

log = get_logger(__name__)

REFUSED = counter(
    "tongban_catalogue_refused_total", "Own items that a peer would not take; its copies are out of date.", "peer"
)


@dataclass(frozen=True)
class App:
    """What the service's methods work with."""

    process: Process
    vocabulary: Vocabulary

    @property
    def district(self) -> str:
        return self.process.settings.district

    def now(self) -> datetime:
        return self.process.clock.now()

    @contextmanager
    def work(self) -> Iterator[Work]:
        """A transaction of its own: committed at the end, rolled back by an error."""
        with self.process.database.transaction() as connection:
            yield Work(connection, self.process.outbox(connection), self.district)

    def join(self, delivery: Delivery) -> Work:
        """The transaction in which an event is handled once."""
        return Work(delivery.connection, self.process.outbox(delivery.connection), self.district)

    def note_refusal(self, peer: str, subject: str, code: str) -> None:
        """A peer would not take an item: nothing here changes, but somebody has to talk to the peer."""
        REFUSED.labels(peer).inc()
        log.error("a peer refused an item", peer=peer, subject=subject, code=code)


def build(process: Process) -> App:
    return App(process, vocabulary())
