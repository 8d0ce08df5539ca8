"""Which sessions ended while access tokens of theirs are still good by their time, as identity tells every second.

A token names its session (`sid`); whoever signs out, or is shut out, is out here within `ASK_EVERY_S` and a moment. Identity
being away changes nothing but that: what it told before stays known, tokens last ten minutes, and a gauge and an alert say
how old the knowledge is (runbook EndedSessionsUnknown).
"""

from __future__ import annotations

from chassis.clock import Clock
from chassis.edge import again
from chassis.telemetry import gauge
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.adapters.bus import Bus
from gateway.messages import identity

#: Logout anywhere reaches every district within five seconds: two tellings between districts, half a second apart each, and this.
ASK_EVERY_S = 1.0
#: How soon the first answer is asked for again: the bus connects while the process starts.
ASK_FIRST_S = 0.5
#: No token lives longer than this after its session ended (gateway.adapters.tokens.LONGEST_LIFE_S).
KEEP_S = 960.0

AGE = gauge("tongban_gateway_ended_sessions_age_seconds", "Age of what is known of ended sessions.")


class EndedSessions:
    """The sessions that ended of late."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus, self._clock = bus, clock
        self._ended: dict[str, float] = {}
        self._since: Timestamp | None = None
        self._told_at = self._now()

    def has(self, sid: str) -> bool:
        """Whether the session `sid` is known to have ended."""
        return sid in self._ended

    async def keep_fresh(self) -> None:
        """Asks now and again; ends when cancelled."""
        said = "identity does not say which sessions ended"
        await again(self.ask, lambda: ASK_EVERY_S if self._since else ASK_FIRST_S, said)

    async def ask(self) -> None:
        """Asks once for what ended since the last answer; an answer that does not come leaves all as it was. Raises Fault."""
        try:
            told = await self._bus.call("identity.list_ended_sessions", self._question())
            self._hear(told.sids, told.until)
        finally:
            AGE.set(max(0.0, self._now() - self._told_at))

    def _question(self) -> identity.ListEndedSessionsRequest:
        return identity.ListEndedSessionsRequest(since=self._since)

    def _hear(self, sids: list[str], until: Timestamp) -> None:
        self._since, self._told_at = until, self._now()
        self._ended.update(dict.fromkeys(sids, self._told_at))
        for sid in [sid for sid, heard in self._ended.items() if heard < self._told_at - KEEP_S]:
            del self._ended[sid]

    def _now(self) -> float:
        return self._clock.now().timestamp()
