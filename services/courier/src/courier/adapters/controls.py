"""The control lane's other end: receipts, canaries and their echoes, missing numbers, registries."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from courier import messages, registry_file
from courier.adapters.link_storage import LinkBooks
from courier.adapters.metrics import SETTLED
from courier.adapters.office import Office
from courier.adapters.send_storage import SendBooks
from courier.adapters.take_storage import TakeBooks
from courier.adapters.trust_storage import TrustBooks
from courier.domain import receipts
from courier.domain.envelope import MAX_ENVELOPE, Claims, Control
from courier.domain.errors import CourierError, Malformed, TrustError, Unauthenticated
from courier.domain.receipts import Receipt
from courier.domain.registry import Freshness
from courier.usecases.install_trust import install_agreement, install_registry
from courier.usecases.ports import Told
from courier.usecases.settle_messages import settle_messages

log = logging.getLogger(__name__)

#: How many numbers one call for missing ones may name.
MAX_MISSING = 500
#: What counts as just sent when a link comes back.
JUST_NOW = timedelta(seconds=2)
#: A canary that took longer than this does not measure the peer's clock.
CLOCK_SAMPLE_MS = 2000.0


class Controls:
    """What a peer's courier says about the link."""

    def __init__(self, office: Office, send_again: Callable[[str, list[tuple[str, str, str]]], None]) -> None:
        self._office = office
        self._send_again = send_again
        self._takers: dict[Control, Callable[[Claims, str, Any], None]] = {
            Control.CANARY: self._canary,
            Control.CANARY_ECHO: self._echo,
            Control.MISSING_NUMBERS: self._missing,
            Control.NUMBERS_GONE: self._gone,
            Control.REGISTRY_OFFERED: self._registry,
            Control.AGREEMENT_WANTED: self._agreement_wanted,
            Control.AGREEMENT_OFFERED: self._agreement_offered,
        }

    def take(self, batch: Sequence[tuple[Claims, str, bytes]]) -> None:
        """Acts on every message; one that makes no sense is logged and left."""
        given = []
        for claims, jws, body in batch:
            try:
                wire = messages.control(claims.type, body)
                if claims.type == Control.RECEIPT:
                    given.append((self._office.process.new_id(), *self._receipt(claims, wire.signed_receipt)))
                else:
                    self._takers[Control(claims.type)](claims, jws, wire)
            except CourierError as error:
                log.error("%s sent a %s that is no use: %s", claims.source, claims.type, error)
        if given:
            self._settle(given)

    # Receipts ---------------------------------------------------------------------------------------------------------------

    def _receipt(self, claims: Claims, signed: str) -> tuple[Receipt, str]:
        """A receipt by the one that sent it, for us. Raises Malformed or Unauthenticated."""
        seals = self._office.seals
        assert seals is not None
        if len(signed) > MAX_ENVELOPE:
            raise Malformed("too_large")
        receipt = receipts.decode(seals.payload(signed))
        if (receipt.source, receipt.target) != (claims.source, self._office.home):
            raise Unauthenticated("receipt_of_others", claims.source)
        seals.verify(signed, receipt.source, receipt.time, limit=MAX_ENVELOPE)
        return receipt, signed

    def _settle(self, given: Sequence[tuple[UUID, Receipt, str]]) -> None:
        office = self._office
        with office.books(SendBooks) as books:
            outcome = settle_messages(books, given, office.now())
            office.crash.at("after_receipt_before_closed")
        office.forget(outcome.closed)
        for settled in outcome.closed:
            SETTLED.labels(settled.peer).inc()
        if outcome.conflicts:
            office.told_of_restore(given[0][1].source, 0)

    # Canaries ---------------------------------------------------------------------------------------------------------------

    def _canary(self, claims: Claims, jws: str, wire: Any) -> None:
        office, peer, now = self._office, claims.source, self._office.now()
        messages.at(wire.sent_at)
        with office.books(LinkBooks) as books:
            self._note_standing(books, claims, jws, wire, now)
            standing = books.standing(peer, office.version)
        office.tell(Told(peer, Control.CANARY_ECHO, messages.canary_echo(wire, now, standing), answers_to=claims.id))
        self._compare(peer, wire, standing.sent_epoch, standing.sent_number)

    def _echo(self, claims: Claims, jws: str, wire: Any) -> None:
        office, peer, now = self._office, claims.source, self._office.now()
        sent, echoed = messages.at(wire.sent_at), messages.at(wire.echoed_at)
        round_trip = (now - sent).total_seconds() * 1000
        difference = (echoed - sent - (now - sent) / 2).total_seconds() * 1000
        if round_trip > CLOCK_SAMPLE_MS:  # it waited somewhere, nobody knows on which way: it says nothing of clocks
            difference = office.clock_differences.get(peer, timedelta()).total_seconds() * 1000
        with office.books(LinkBooks) as books:
            was_away = self._was_away(books, peer, now)
            if not books.note_echo(peer, wire.sequence, round_trip, difference, now):
                return  # of an older canary, or of none of ours
            self._note_standing(books, claims, jws, wire, now)
            standing = books.standing(peer, office.version)
            if was_away:
                books.hurry(peer, now, now - JUST_NOW)
        office.clock_differences[peer] = timedelta(milliseconds=difference)
        if was_away:
            log.info("the link with %s is back", peer)
            office.wake([peer])
        self._compare(peer, wire, standing.sent_epoch, standing.sent_number)

    def _was_away(self, books: LinkBooks, peer: str, now: datetime) -> bool:
        last = books.last_echo(peer)
        return last is None or now - last > timedelta(seconds=2.5 * self._office.settings.courier_canary_s)

    @staticmethod
    def _note_standing(books: LinkBooks, claims: Claims, jws: str, wire: Any, now: datetime) -> None:
        if not books.add_anchor(claims.source, claims.head, jws, now):
            log.error("%s signed two heads of its log for one place: it was rewritten", claims.source)
            books.note(claims.source, "log_differing", now)
        standing = messages.standing_of(wire.standing)
        books.note_claimed(claims.source, standing.sent_epoch, standing.sent_number, now)

    def _compare(self, peer: str, wire: Any, epoch: int, number: int) -> None:
        """Finds out who of the two has an older registry, and whether the peer has seen what we never sent."""
        office, theirs = self._office, messages.standing_of(wire.standing)
        office.registry_of[peer] = theirs.registry_version
        if office.lacks_registry(peer):
            office.offer_registry(peer)
        if (theirs.seen_epoch, theirs.seen_number) > (epoch, number):
            office.told_of_restore(peer, theirs.seen_epoch)

    # Missing numbers ----------------------------------------------------------------------------------------------------------

    def _missing(self, claims: Claims, jws: str, wire: Any) -> None:
        wanted = sorted(set(wire.numbers))[:MAX_MISSING]
        with self._office.books(LinkBooks) as books:
            kept = books.kept(claims.source, wire.epoch, wanted)
            standing = books.standing(claims.source, self._office.version)
        if kept:
            self._send_again(claims.source, [(jws, jwe, trace) for _, jws, jwe, trace in kept])
        highest = standing.sent_number if wire.epoch == standing.sent_epoch else 0
        there = {number for number, *_ in kept}
        gone = [n for n in wanted if n not in there and (wire.epoch < standing.sent_epoch or n <= highest)]
        if gone:
            log.error("%s misses %d messages that are not kept any more", claims.source, len(gone))
            self._office.tell(Told(claims.source, Control.NUMBERS_GONE, messages.numbers_gone(wire.epoch, gone)))

    def _gone(self, claims: Claims, jws: str, wire: Any) -> None:
        numbers = sorted(set(wire.numbers))[:MAX_MISSING]
        if not numbers or wire.epoch < 1 or numbers[0] < 1:
            raise Malformed("bad_numbers")
        log.error("%s can never send %d messages again", claims.source, len(numbers))
        now = self._office.now()
        with self._office.books(TakeBooks) as books:
            books.lock_links([claims.source])
            books.note_gone(claims.source, wire.epoch, numbers, now)
            books.note(claims.source, "restore", now)

    # Registries -----------------------------------------------------------------------------------------------------------------

    def _registry(self, claims: Claims, jws: str, wire: Any) -> None:
        office, text = self._office, wire.signed_registry
        offered = registry_file.read_registry(text, office.root)
        office.registry_of[claims.source] = offered.version
        if offered.freshness(office.now()) is Freshness.CLOSED:
            # It would close every link here, the one by which its successor comes too; a person may still install it.
            log.warning("%s offered registry %d, which expired too long ago", claims.source, offered.version)
            return
        try:
            with office.books(TrustBooks) as books:
                in_flight = install_registry(
                    books, office.trust.registry, offered, text, tell=office.tells_registry, now=office.now()
                )
        except TrustError as error:
            log.warning("%s offered a registry that is not taken: %s", claims.source, error)
            return
        if in_flight is not None:
            log.warning(
                "took registry %d from %s; in flight with the suspended: %s", offered.version, claims.source, in_flight
            )
            office.refresh()
            office.wake(office.trust.peers())

    # Agreements -----------------------------------------------------------------------------------------------------------------

    def _agreement_wanted(self, claims: Claims, jws: str, wire: Any) -> None:
        office = self._office
        with office.books(TrustBooks) as books:
            text = books.agreement_between(office.home, claims.source, wire.version)
        if text is None:
            log.error("%s lacks agreement %d, which is not here either", claims.source, wire.version)
            return
        office.tell(Told(claims.source, Control.AGREEMENT_OFFERED, messages.agreement_offered(text)))

    def _agreement_offered(self, claims: Claims, jws: str, wire: Any) -> None:
        """Takes an agreement that our own district signed too: whoever brings it, it binds us already."""
        office, text = self._office, wire.signed_agreement
        known = office.trust.registry
        assert known is not None
        made = registry_file.read_agreement(text, known)
        if claims.source not in made.parties:
            raise TrustError("agreement_of_others", "/".join(made.parties))
        with office.books(TrustBooks) as books:
            fresh = install_agreement(
                books, office.home, made, text, known=known, tell=office.tells_agreements, now=office.now()
            )
        if fresh:
            log.warning("took agreement %d with %s by courier", made.version, claims.source)
            office.refresh()
