"""What becomes of a message that was given to the broker."""

from __future__ import annotations

from enum import StrEnum

import eventlet
from eventlet.event import Event


class BrokerGone(Exception):
    """There is no broker to give a message to now: not connected, or it takes nothing (an alarm). Nothing was sent."""


class Outcome(StrEnum):
    """What became of a message published with a confirm."""

    CONFIRMED = "confirmed"
    #: Mandatory, and no queue is bound for it: the broker has thrown it away.
    UNROUTABLE = "unroutable"
    #: The broker could not take it (a queue's limit, reject-publish).
    NACKED = "nacked"
    #: The connection or channel ended first, or time was up: it may or may not have arrived.
    UNKNOWN = "unknown"


class Confirm:
    """The broker's word on one message, when it comes."""

    __slots__ = ("_arrived", "outcome")

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self._arrived: Event | None = None

    def wait(self, timeout_s: float) -> Outcome:
        """Blocks the greenlet until the outcome is known; UNKNOWN after `timeout_s` seconds."""
        if self.outcome is None:
            self._arrived = self._arrived or Event()
            with eventlet.Timeout(timeout_s, False):
                self._arrived.wait()
        return self.outcome or Outcome.UNKNOWN

    def settle(self, outcome: Outcome) -> None:
        """The first word counts: a returned message is confirmed afterwards all the same."""
        if self.outcome is None:
            self.outcome = outcome
            if self._arrived is not None:
                self._arrived.send()
