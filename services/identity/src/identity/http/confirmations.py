"""Asks homes whether the sessions still stand on which sessions here stand: every few minutes each, while the process runs.

A home that refuses ends the session at once; one that says nothing for too long ends it too, whether it was asked or not. Each home
has a lane of its own, so one that hangs keeps no other's people waiting; several web processes share the work.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from chassis.edge import TaskEach, again, running
from chassis.logs import get_logger

from identity.adapters.home_tokens import verified
from identity.adapters.storage import Storage
from identity.adapters.token_keys import half_hash
from identity.domain.errors import HomeAnswerRefused, HomeAway, HomeRefused, NotAPeer, RegistryExpired
from identity.domain.federation import ForeignSession, read_answer
from identity.http.federation_callback import firms_told, proof, text_of
from identity.http.metrics import CONFIRMATIONS
from identity.http.parts import Parts
from identity.usecases.confirm_session import Confirmation, end_unconfirmed, keep_confirmed
from identity.usecases.end_foreign_session import end_foreign_session

log = get_logger(__name__)

#: Seconds between two looks at whose time has come.
LOOK_S = 1.0
#: How long one process asks about a session before another may; within a home's grace for a token just replaced.
CLAIM = timedelta(seconds=12)
#: How soon a home that did not answer is asked again.
AGAIN = timedelta(seconds=15)
#: About how many sessions one home is asked at once, and how many are ended in one transaction.
AT_ONCE, ENDED_AT_ONCE = 20, 100


@asynccontextmanager
async def confirming(parts: Parts) -> AsyncIterator[None]:
    """Asks as long as the application runs."""
    try:
        async with running(Confirmer(parts).run()):
            yield
    finally:
        await parts.homes.close()


class Confirmer:
    """One web process's part of the asking."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lanes = TaskEach(self._lane)

    async def run(self) -> None:
        """Until it is cancelled."""
        async with self._lanes:
            await again(self._look, LOOK_S, "sessions of other districts could not be confirmed")

    async def _look(self) -> None:
        await self._end_unconfirmed()
        now = self._parts.now()
        self._lanes.begin(await self._parts.within(lambda work: work.foreign_sessions.due(now)))

    async def _end_unconfirmed(self) -> None:
        parts = self._parts

        def end(work: Storage) -> int:
            return end_unconfirmed(work, now=parts.now(), silence=parts.silence, most=ENDED_AT_ONCE)

        ended = ENDED_AT_ONCE
        while ended == ENDED_AT_ONCE:
            if ended := await parts.within(end):
                log.warning("sessions ended whose homes were silent for too long", count=ended)

    async def _lane(self, home: str) -> None:
        """Asks one home about every session whose time has come."""
        try:
            while due := await self._claimed(home):
                await asyncio.gather(*(_confirm(self._parts, session) for session in due))
        except Exception as error:
            log.error("sessions of another district could not be confirmed", home=home, exc_info=error)

    async def _claimed(self, home: str) -> Sequence[ForeignSession]:
        now = self._parts.now()
        return await self._parts.within(lambda work: work.foreign_sessions.claim(home, now, now + CLAIM, AT_ONCE))


async def _confirm(parts: Parts, session: ForeignSession) -> None:
    every = timedelta(seconds=parts.settings.home_confirm_s)
    try:
        told = await _ask(parts, session)
    except (HomeRefused, HomeAnswerRefused, NotAPeer) as error:
        CONFIRMATIONS.labels(session.home, "refused" if isinstance(error, HomeAnswerRefused) else "ended").inc()
        log.info("a home ended a session", home=session.home, sid=session.sid, code=error.code)
        why = error.code.partition(".")[2]
        await parts.within(lambda work: end_foreign_session(work, session.sid, why, now=parts.now()))
        return
    except (HomeAway, RegistryExpired):
        CONFIRMATIONS.labels(session.home, "away").inc()
        again = parts.now() + min(AGAIN, every)
        await parts.within(lambda work: work.foreign_sessions.check_again(session.sid, again))
        return
    now, silence = parts.now(), parts.silence
    stands = await parts.within(lambda work: keep_confirmed(work, session, told, now=now, every=every, silence=silence))
    CONFIRMATIONS.labels(session.home, "confirmed" if stands else "ended").inc()


async def _ask(parts: Parts, session: ForeignSession) -> Confirmation:
    """Raises HomeRefused, HomeAway, HomeAnswerRefused, NotAPeer, RegistryExpired."""
    home = await parts.peer(session.home)
    provider = await parts.homes.provider(home)
    fields = {"grant_type": "refresh_token", "refresh_token": session.refresh_token, **proof(parts, provider)}
    tokens = await parts.homes.tokens(provider, fields)
    _, claims, alg = await verified(tokens.get("id_token"), home, parts.homes)
    access_token = text_of(tokens, "access_token")
    answer = read_answer(
        claims,
        issuer=home.issuer,
        client_id=parts.settings.district,
        nonce=None,
        at_hash=half_hash(access_token, alg),
        now=parts.now(),
    )
    refresh_token, firms = str(tokens.get("refresh_token") or session.refresh_token), None
    with suppress(HomeAway):  # the session stands, and its refresh token was used up: that has to be kept
        asked_at = parts.now()
        told = await parts.homes.userinfo(provider, access_token)
        firms = firms_told(parts, told, str(claims["sub"]), home, asked_at)
    return Confirmation(answer, refresh_token, firms)
