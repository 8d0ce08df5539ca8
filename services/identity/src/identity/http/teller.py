"""Tells relying parties that a session ended (OpenID Connect Back-Channel Logout 1.0): from the queue in the database, until they know.

It runs in the web process, because that one has the keys that logout tokens are signed with. Each party has a lane of its own,
so one that hangs keeps no other waiting; several web processes share the work, because a logout is given to one of them at a
time. After a crash in the middle a party may be told twice, which says the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from ssl import create_default_context

import httpx
from chassis.edge import TaskEach, again, running
from chassis.errors import fault_of
from chassis.logs import get_logger
from chassis.telemetry import counter, gauge

from identity.adapters.storage import Storage
from identity.domain.logouts import CLAIM, Logout, next_try
from identity.domain.parties import RelyingParty
from identity.http.parts import Parts

log = get_logger(__name__)

#: How often the queue is looked at, how long a party may take, and how many it is told at once.
LOOK_S, ANSWER_S, AT_ONCE = 0.5, 4.0, 8

TRIES = counter(
    "tongban_logout_tries_total",
    "Tries to tell a relying party that a session ended, by outcome: told, refused, unreachable, or nowhere to tell it.",
    "outcome",
)
UNTOLD = gauge("tongban_logouts_waiting", "Relying parties that are not told yet that a session ended.")
OLDEST_SECONDS = gauge(
    "tongban_logouts_oldest_seconds",
    "How long ago the session ended that a party has waited longest to be told of.",
    "party",
)


class Teller:
    """One web process's part of the telling."""

    def __init__(self, parts: Parts, http: httpx.AsyncClient) -> None:
        self._parts, self._http = parts, http
        self._lanes = TaskEach(self._lane)
        #: Parties that something waited for since the start: a gauge goes back to 0 and stays.
        self._late: set[str] = set()

    async def run(self) -> None:
        """Until it is cancelled; what goes wrong is tried again."""
        async with self._lanes:
            await again(self._look, LOOK_S, "the queue of logouts could not be looked at")

    async def _look(self) -> None:
        now = self._parts.now()
        waiting, untold, oldest = await self._parts.within(
            lambda work: (work.logouts.waiting(now), work.logouts.untold(), work.logouts.oldest())
        )
        UNTOLD.set(untold)
        self._late |= oldest.keys()
        for client_id in self._late:
            OLDEST_SECONDS.labels(client_id).set(max(0.0, (now - oldest.get(client_id, now)).total_seconds()))
        self._lanes.begin(waiting)

    async def _lane(self, client_id: str) -> None:
        """Tells one party what it is to be told now."""
        try:
            while logouts := await self._claimed(client_id):
                await asyncio.gather(*(self._tell(party, logout) for party, logout in logouts))
        except Exception as error:
            if fault_of(error) is None:
                log.error("telling a party failed by a defect", party=client_id, exc_info=error)

    async def _claimed(self, client_id: str) -> list[tuple[RelyingParty | None, Logout]]:
        now = self._parts.now()

        def claim(work: Storage) -> list[tuple[RelyingParty | None, Logout]]:
            party = self._parts.party(work, client_id)
            return [(party, logout) for logout in work.logouts.claim(client_id, now, now + CLAIM, AT_ONCE)]

        return await self._parts.within(claim)

    async def _tell(self, party: RelyingParty | None, logout: Logout) -> None:
        outcome = await self._outcome(party, logout)
        TRIES.labels(outcome).inc()
        now = self._parts.now()
        if outcome in ("told", "nowhere"):
            await self._parts.within(lambda work: work.logouts.told(logout, now))
            return
        log.warning(
            "a party could not be told of a logout", party=logout.client_id, outcome=outcome, tries=logout.tries
        )
        await self._parts.within(lambda work: work.logouts.again(logout, next_try(logout, now)))

    async def _outcome(self, party: RelyingParty | None, logout: Logout) -> str:
        if party is None or not party.backchannel_logout_uri:
            return "nowhere"
        token = self._token(party, logout, self._parts.now())
        try:
            # The answer's status is all that counts (section 2.8), so nothing of its body is read.
            asked = self._http.stream("POST", party.backchannel_logout_uri, data={"logout_token": token})
            async with asyncio.timeout(ANSWER_S), asked as answer:
                return "told" if answer.status_code in (200, 204) else "refused"
        except (httpx.HTTPError, TimeoutError, OSError):
            return "unreachable"

    def _token(self, party: RelyingParty, logout: Logout, now: datetime) -> str:
        return self._parts.signer.logout_token(party, self._parts.subject_for(party, logout.subject), logout.sid, now)


@asynccontextmanager
async def telling(parts: Parts) -> AsyncIterator[None]:
    """Around the life of the web process."""
    context = create_default_context(cafile=str(parts.settings.ca_file))
    async with (
        httpx.AsyncClient(verify=context, timeout=ANSWER_S, trust_env=False) as http,
        running(Teller(parts, http).run()),
    ):
        yield
