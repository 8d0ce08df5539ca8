"""What all parts of a running courier share: keys, the trust snapshot, transactions, the log's head, and who sends to whom."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from chassis.process import Process

from courier import messages
from courier.adapters.books import Books
from courier.adapters.crash import Crash
from courier.adapters.link_storage import LinkBooks
from courier.adapters.metrics import EPOCHS
from courier.adapters.seals import BareSeals, JoseSeals
from courier.adapters.send_storage import SendBooks
from courier.adapters.trust_storage import TrustBooks
from courier.domain.chain import Head
from courier.domain.envelope import Control
from courier.domain.lights import Limits
from courier.domain.registry import Freshness
from courier.domain.rules import Routes
from courier.domain.trust import Trust
from courier.keys import read_district_keys
from courier.settings import Settings
from courier.usecases.install_trust import open_links
from courier.usecases.ports import Settled, Told
from courier.usecases.start_epoch import start_epoch

log = logging.getLogger(__name__)

B = TypeVar("B", bound=Books)

#: Peers may say at most this often that our database has gone back in time.
EPOCH_PAUSE = timedelta(seconds=60)


#: Between the beginnings of batches under load: a transaction of the courier costs about the same for one message as for ten.
SPACING_S = 0.1


class Office:
    """One process's view; nothing connects before `refresh`."""

    def __init__(self, process: Process, settings: Settings, routes: Routes, root: Mapping[str, Any]) -> None:
        self.process, self.settings, self.routes, self.root = process, settings, routes, root
        self.home = settings.district
        self.crash = Crash(settings)
        self.trust = Trust(self.home, None, {}, routes)
        self.seals: JoseSeals | None = None
        self.head = Head()
        self.clock_differences: dict[str, timedelta] = {}
        #: Which version of the registry each peer last spoke of.
        self.registry_of: dict[str, int] = {}
        #: Whether a service of this district keeps copies of agreements, and of the registry.
        self.tells_agreements = self.tells_registry = False
        #: Called with a message for the control lane, and with the peers that have something new to get.
        self.tell: Callable[[Told], None] = lambda told: None
        self.wake: Callable[[list[str]], None] = lambda peers: None
        #: Called with messages that need not go out again.
        self.forget: Callable[[Sequence[Settled]], None] = lambda settled: None
        self._mark: tuple[int, int] | None = None
        self._epoch_at: datetime | None = None

    def now(self) -> datetime:
        return self.process.clock.now()

    @contextmanager
    def books(self, kind: type[B]) -> Iterator[B]:
        """A transaction of its own; the head that it leaves is known to everybody after its commit."""
        with self.process.database.transaction() as connection:
            books = kind(
                connection, self.process.outbox(connection), on_logged=lambda: self.crash.at("while_log_written")
            )
            yield books
        if (head := books.last_head) is not None:
            self.note_head(head)

    @contextmanager
    def look(self, kind: type[B]) -> Iterator[B]:
        """Books to read in: no transaction, each question for itself."""
        with self.process.database.reading() as connection:
            yield kind(connection, self.process.outbox(connection))

    def note_head(self, head: Head) -> None:
        """Envelopes carry a head that is committed; never an older one than before."""
        if (head.epoch, head.seq) > (self.head.epoch, self.head.seq):
            self.head = head

    # Trust ----------------------------------------------------------------------------------------------------------------

    def refresh(self, *, opening: bool = True) -> bool:
        """Takes over what was installed since; True if anything was. Opens the links that it opens.

        Opening is for the running courier: services send as soon as they hear of a link, and it must know that link by then.
        """
        with self.books(TrustBooks) as books:
            mark = books.trust_mark()
            if mark == self._mark:
                return False
            trust = books.trust(self.home, self.root, self.routes)
            books.lock_head()
        kind = BareSeals if "security" in self.settings.courier_without else JoseSeals
        if trust.registry is not None:
            self.seals = kind(self.home, trust.registry, read_district_keys(self.settings.courier_keys))
        self.trust, self._mark = trust, mark
        with self.books(LinkBooks) as links:
            opened = open_links(links, trust, self.now()) if opening else []
            self.clock_differences = links.clock_differences()
        log.info("trusts registry %s, opened %s", trust.registry.version if trust.registry else "none", opened)
        return True

    @property
    def version(self) -> int:
        """Of the registry that counts here; 0 without one."""
        return self.trust.registry.version if self.trust.registry else 0

    def lacks_registry(self, peer: str, *, told_before: bool = True) -> bool:
        """Whether the peer has an older registry than this district, or has said nothing though it was told of ours before.

        It may be silent because it lacks the registry: then it knows another address, or another authority, of our broker.
        """
        return self.registry_of.get(peer, 0 if told_before else self.version) < self.version

    def offer_registry(self, peer: str, valid_until: datetime | None = None) -> None:
        """Sends the registry that counts here."""
        with self.look(TrustBooks) as books:
            text = books.registry_text()
        if text:
            self.tell(Told(peer, Control.REGISTRY_OFFERED, messages.registry_offered(text), valid_until))

    @property
    def ready(self) -> bool:
        """Whether there is a registry, and keys to work under it."""
        return self.seals is not None

    @property
    def closed(self) -> bool:
        """Whether all links are closed: no registry, or one that expired too long ago."""
        return not self.ready or self.trust.freshness(self.now()) is Freshness.CLOSED

    def limits(self) -> Limits:
        """When lights go on, as settings say."""
        settings = self.settings
        return Limits(
            old_message=timedelta(seconds=settings.courier_old_message_s),
            no_canary=timedelta(seconds=settings.courier_no_canary_s),
            canary=timedelta(seconds=settings.courier_canary_s),
            clock=timedelta(seconds=settings.courier_clock_s),
            missing_numbers=timedelta(seconds=settings.courier_missing_s),
            no_answer=timedelta(seconds=settings.courier_no_answer_s),
        )

    # Epochs ---------------------------------------------------------------------------------------------------------------

    def check_database(self) -> None:
        """Begins a new epoch if this database is not the one that was worked with before."""
        with self.books(TrustBooks) as books:
            mark, kept = books.database_mark(), books.kept_mark()
            if not kept:
                books.keep_mark(mark)
        if kept and kept != mark:
            log.error("the database was restored or moved: a new epoch begins")
            self.new_epoch()

    def told_of_restore(self, peer: str, at_least: int) -> None:
        """A peer holds numbers of ours that this database does not know."""
        now = self.now()
        if self._epoch_at is not None and now - self._epoch_at < EPOCH_PAUSE:
            return
        log.error("%s knows numbers of ours that are not in this database: a new epoch begins", peer)
        self.new_epoch(at_least)

    def new_epoch(self, at_least: int = 0) -> Head:
        """Numbers everything without a receipt anew. Raises RuntimeError without a registry."""
        if self.seals is None:
            raise RuntimeError("a new epoch needs a registry: install one first")
        self._epoch_at = self.now()
        with self.books(TrustBooks) as trust:
            mark = trust.database_mark()
        with self.books(SendBooks) as books:
            head = start_epoch(books, self.seals, self.now(), mark=mark, at_least=at_least)
        EPOCHS.inc()
        self.wake(self.trust.peers())
        return head
