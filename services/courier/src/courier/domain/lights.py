"""Lights: what a person should look at on a link. Nothing gives up by itself; after a set age a light goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from courier.domain.registry import Freshness


class Light(StrEnum):
    """Every light there is."""

    OLD_MESSAGE = "old_message"
    NO_CANARY = "no_canary"
    CLOCK = "clock"
    MISSING_NUMBERS = "missing_numbers"
    CONFLICT = "conflict"
    QUARANTINE = "quarantine"
    NO_ANSWER = "no_answer"
    OUT_OF_ORDER = "out_of_order"
    #: What the peer opened waits: the agreement that it names is not installed here.
    AGREEMENT_MISSING = "agreement_missing"
    SUSPENDED = "suspended"
    REGISTRY_EXPIRED = "registry_expired"
    PEER_RESTORED = "peer_restored"
    #: The peer's receipt names another digest than we signed.
    RECEIPT_DIFFERS = "receipt_differs"
    #: The peer signed two heads of its log for one place: it rewrote it.
    LOG_DIFFERS = "log_differs"


@dataclass(frozen=True)
class Limits:
    """When each light goes on."""

    old_message: timedelta = timedelta(minutes=15)
    no_canary: timedelta = timedelta(minutes=3)
    #: The time between two canaries.
    canary: timedelta = timedelta(minutes=1)
    clock: timedelta = timedelta(seconds=30)
    missing_numbers: timedelta = timedelta(minutes=5)
    no_answer: timedelta = timedelta(hours=24)
    out_of_order: timedelta = timedelta(minutes=5)
    #: How long after a message that lacks its agreement the light stays on: it comes again within twelve minutes.
    agreement: timedelta = timedelta(minutes=15)
    #: How long a single event (a conflict, something in quarantine) keeps its light on.
    event: timedelta = timedelta(hours=24)


@dataclass(frozen=True)
class Facts:
    """What the books say about one link. Times are those of the oldest open matter of each kind; None: there is none."""

    suspended: bool = False
    freshness: Freshness = Freshness.VALID
    linked_since: datetime | None = None
    last_echo: datetime | None = None
    clock_difference: timedelta = timedelta()
    oldest_waiting: datetime | None = None
    oldest_gap: datetime | None = None
    oldest_unanswered: datetime | None = None
    oldest_early: datetime | None = None
    last_agreement_missing: datetime | None = None
    last_conflict: datetime | None = None
    last_quarantine: datetime | None = None
    last_restore: datetime | None = None
    last_receipt_differing: datetime | None = None
    last_log_differing: datetime | None = None


def healthy(last_echo: datetime, no_connection_since: datetime | None, limits: Limits, now: datetime) -> bool:
    """Whether the canary that was due has come back: half an interval is allowed beyond the one between two of them.

    A connection proves nothing, but without one no canary can come back, and nobody has to wait until the next is due: a
    quarter of an interval is allowed for it to be made again.
    """
    if no_connection_since is not None and now - no_connection_since > limits.canary / 4:
        return False
    return now - last_echo <= limits.canary * 1.5


def lights(facts: Facts, limits: Limits, now: datetime) -> list[Light]:
    """The lights that are on, in the order of `Light`."""

    def over(since: datetime | None, limit: timedelta) -> bool:
        return since is not None and now - since > limit

    def lately(at: datetime | None, limit: timedelta = limits.event) -> bool:
        return at is not None and now - at <= limit

    on = {
        Light.OLD_MESSAGE: over(facts.oldest_waiting, limits.old_message),
        Light.NO_CANARY: not facts.suspended and over(facts.last_echo or facts.linked_since, limits.no_canary),
        Light.CLOCK: abs(facts.clock_difference) > limits.clock,
        Light.MISSING_NUMBERS: over(facts.oldest_gap, limits.missing_numbers),
        Light.CONFLICT: lately(facts.last_conflict),
        Light.QUARANTINE: lately(facts.last_quarantine),
        Light.NO_ANSWER: over(facts.oldest_unanswered, limits.no_answer),
        Light.OUT_OF_ORDER: over(facts.oldest_early, limits.out_of_order),
        Light.AGREEMENT_MISSING: lately(facts.last_agreement_missing, limits.agreement),
        Light.SUSPENDED: facts.suspended,
        Light.REGISTRY_EXPIRED: facts.freshness is not Freshness.VALID,
        Light.PEER_RESTORED: lately(facts.last_restore),
        Light.RECEIPT_DIFFERS: lately(facts.last_receipt_differing),
        Light.LOG_DIFFERS: lately(facts.last_log_differing),
    }
    return [light for light in Light if on[light]]
