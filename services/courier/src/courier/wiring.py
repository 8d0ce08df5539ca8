"""Puts the courier together; nothing connects before it is started."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from chassis.process import Process, Wired
from tongban_broker.bus import Bus

from courier import messages
from courier.adapters.books import Books
from courier.adapters.controls import Controls
from courier.adapters.incoming import Incoming
from courier.adapters.link_storage import LinkBooks
from courier.adapters.metrics import LIGHT, OLDEST_SECONDS, ROUND_TRIP_SECONDS, WAITING
from courier.adapters.office import Office
from courier.adapters.outgoing import Outgoing
from courier.adapters.peer_sender import PeerSender, trusted_certificates
from courier.adapters.trust_storage import TrustBooks
from courier.domain.envelope import Control
from courier.domain.lights import Light
from courier.domain.rules import Route
from courier.settings import Settings
from courier.usecases.install_trust import tell_agreements
from courier.usecases.list_links import list_links
from courier.usecases.ports import Connection, LinkView, Settled, Told

log = logging.getLogger(__name__)

B = TypeVar("B", bound=Books)

#: How old a gap must be before it is asked about, and how long until it is asked again.
GAP_PATIENCE, GAP_AGAIN = timedelta(seconds=2), timedelta(seconds=10)


class App:
    """The running courier, and what the service's methods work with."""

    def __init__(self, process: Process, settings: Settings) -> None:
        bus = Bus.load()
        routes = {row.type: Route(row.type, row.source, row.target, row.opens) for row in bus.courier}
        self.office = Office(process, settings, routes, json.loads(settings.courier_root.read_text()))
        # An event that goes to nobody would wait in the outbox for ever.
        self.office.tells_agreements = bool(bus.events["courier"].get("AgreementInstalled"))
        self.office.tells_registry = bool(bus.events["courier"].get("RegistryInstalled"))
        self.settings = settings
        self._senders: dict[str, PeerSender] = {}
        self._outgoing = Outgoing(self.office)
        self._incoming = Incoming(self.office, Controls(self.office, self._send_again), self._give)
        self._checked = False
        #: When each peer was sent its last canary, and under which registry.
        self._canaries: dict[str, tuple[datetime, int]] = {}
        self.office.tell, self.office.wake, self.office.forget = self._tell, self._wake, self._forget

    def books(self, kind: type[B]) -> Any:
        """A transaction of its own."""
        return self.office.books(kind)

    def links(self) -> list[LinkView]:
        """Every link as an operator sees it."""
        with self.books(LinkBooks) as books:
            return list_links(books, self.office.trust, self.office.limits(), self.office.now(), self._connections())

    # The process ------------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._outgoing.start()
        self._incoming.start()

    def stop(self) -> None:
        """Takes nothing new, finishes what is under way, says goodbye to peers' brokers."""
        self._outgoing.stop()
        self._incoming.stop()
        for sender in self._senders.values():
            sender.stop()
        self._senders.clear()

    @property
    def ready(self) -> bool:
        """Whether messages can come and go within this district; peers are not asked."""
        return self._checked and self._outgoing.ready and self._incoming.ready

    # Timed work, once a second ------------------------------------------------------------------------------------------------

    def look_after(self) -> None:
        """Takes over what was installed, keeps a sender for every link, sends canaries, asks for what is missing."""
        office = self.office
        office.refresh()
        self._follow_registry()  # each time: a registry that came by courier was taken over when it came
        if not office.ready:
            self._checked = True  # a district without a registry has no links; that is no defect
            return
        self._connections()
        if not self._checked:
            office.check_database()
            self._tell_what_is_installed()
            self._incoming.chunks.begin()
            self._checked = True
        self._outgoing.begin()
        self._incoming.begin()
        self._expire()
        if not office.closed:
            self._send_canaries()
            self._ask_for_missing()
            self._incoming.chunks.ask()

    def show(self) -> None:
        """Sets the metrics that alarms look at."""
        for link in self.links():
            WAITING.labels(link.peer).set(link.waiting)
            OLDEST_SECONDS.labels(link.peer).set(link.oldest_waiting_s)
            ROUND_TRIP_SECONDS.labels(link.peer).set(link.round_trip_ms / 1000)
            for light in Light:
                LIGHT.labels(link.peer, light.value).set(light.value in link.lights)

    def prune(self) -> None:
        """Forgets what has been kept long enough."""
        before = self.office.now() - timedelta(days=self.settings.courier_keep_days)
        with self.books(LinkBooks) as books:
            books.prune(before)

    def _follow_registry(self) -> None:
        registry, now = self.office.trust.registry, self.office.now()
        members = {member.code: member for member in registry.peers(self.office.home)} if registry else {}
        for code, sender in list(self._senders.items()):
            member = members.get(code)
            if member is None or (member.broker, trusted_certificates(member, now)) != (sender.address, sender.trusted):
                log.info(
                    "the way to %s is made anew: the registry shows another address, other certificates, or no link",
                    code,
                )
                self._senders.pop(code).stop()
        for code, member in members.items():
            if code not in self._senders and trusted_certificates(member, now):
                sender = self._senders[code] = PeerSender(self.office, member)
                sender.start()

    def _tell_what_is_installed(self) -> None:
        registry = self.office.trust.registry
        if registry is None:
            return
        with self.books(TrustBooks) as books:
            if self.office.tells_registry and (text := books.registry_text()) is not None:
                books.tell_registry(registry, text)
            if self.office.tells_agreements:
                tell_agreements(books, self.office.home, registry)

    def _connections(self) -> dict[str, Connection]:
        return {peer: sender.connection() for peer, sender in self._senders.items()}

    def _send_canaries(self) -> None:
        """A canary every interval, and at once under a new registry; before it the registry, to whoever may lack it."""
        office, now, interval = self.office, self.office.now(), timedelta(seconds=self.settings.courier_canary_s)
        until = now + 2 * interval
        for peer in office.trust.active():
            last, under = self._canaries.get(peer, (None, 0))
            if under == office.version and last is not None and timedelta(0) <= now - last < interval:
                continue
            self._canaries[peer] = now, office.version
            if office.lacks_registry(peer, told_before=under == office.version):
                office.offer_registry(peer, until)
            with self.books(LinkBooks) as books:
                office.note_head(books.committed_head())  # commands write to the log too
                sequence = books.next_canary(peer)
                body = messages.canary(sequence, now, books.standing(peer, office.version))
            self._tell(Told(peer, Control.CANARY, body, valid_until=until))

    def _ask_for_missing(self) -> None:
        with self.books(LinkBooks) as books:
            gaps = books.gaps_to_ask(self.office.now(), GAP_PATIENCE, GAP_AGAIN)
        for peer, epoch, numbers in gaps:
            self._tell(Told(peer, Control.MISSING_NUMBERS, messages.missing_numbers(epoch, numbers)))

    def _expire(self) -> None:
        now = self.office.now()
        with self.books(LinkBooks) as books:
            for settled in books.expire_asks(now):
                books.tell_refused(settled, "courier.expired", "Nobody answered in time.", now)

    # What the parts tell each other --------------------------------------------------------------------------------------------

    def _tell(self, told: Told) -> None:
        if (sender := self._senders.get(told.peer)) is not None:
            sender.tell(told)

    def _wake(self, peers: list[str]) -> None:
        for peer in peers:
            if (sender := self._senders.get(peer)) is not None:
                sender.wake()

    def _forget(self, settled: Sequence[Settled]) -> None:
        for one in settled:
            if (sender := self._senders.get(one.peer)) is not None:
                sender.forget(str(one.id))

    def _send_again(self, peer: str, envelopes: list[tuple[str, str, str]]) -> None:
        if (sender := self._senders.get(peer)) is not None:
            sender.send_again(envelopes)

    def _give(self, peer: str, digests: Sequence[str]) -> None:
        if (sender := self._senders.get(peer)) is not None:
            sender.give(digests)


def build(process: Process) -> App:
    assert isinstance(process.settings, Settings)
    return App(process, process.settings)


class Running(Wired):
    """The courier works without being called: it starts and stops with the service."""

    def __init__(self, build: Callable[[Process], App] = build) -> None:
        super().__init__(build)

    @property
    def ready(self) -> bool:
        return self.app is not None and self.app.ready

    def start(self) -> None:
        self.app.start()

    def stop(self) -> None:
        self.app.stop()

    kill = stop
