"""Asks homes whether the sessions still stand on which sessions here stand: every few minutes each, while the process runs.

A home that refuses ends the session at once; one that cannot be reached ends it once it has been silent for too long.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from chassis.logs import get_logger

from identity.adapters.home_tokens import verified
from identity.adapters.token_keys import half_hash
from identity.domain.errors import HomeAnswerRefused, HomeAway, HomeRefused, NotAPeer, RegistryExpired
from identity.domain.federation import ForeignSession, read_answer
from identity.http.federation_callback import firms_told, proof, text_of
from identity.http.metrics import CONFIRMATIONS
from identity.http.parts import Parts
from identity.usecases.confirm_session import Confirmation, keep_confirmed, note_silence
from identity.usecases.end_foreign_session import end_foreign_session

log = get_logger(__name__)

#: Seconds between two looks at whose time has come.
LOOK_S = 1.0
#: How long one process asks about a session before another may; within a home's grace for a token just replaced.
CLAIM = timedelta(seconds=12)
#: How soon a home that did not answer is asked again.
AGAIN = timedelta(seconds=15)
AT_ONCE = 20


@asynccontextmanager
async def confirming(parts: Parts) -> AsyncIterator[None]:
    """Asks as long as the application runs."""
    task = asyncio.create_task(confirm_for_ever(parts))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await parts.homes.close()


async def confirm_for_ever(parts: Parts) -> None:
    """Until it is cancelled."""
    while True:
        try:
            await confirm_due(parts)
        except Exception as error:  # the database may be away; the next look is the repetition
            log.error("sessions of other districts could not be confirmed", exc_info=error)
        await asyncio.sleep(LOOK_S)


async def confirm_due(parts: Parts) -> int:
    """Asks about those whose time has come; how many."""
    now = parts.now()
    due = await parts.within(lambda work: work.foreign_sessions.claim(now, now + CLAIM, AT_ONCE))
    await asyncio.gather(*(_confirm(parts, session) for session in due))
    return len(due)


async def _confirm(parts: Parts, session: ForeignSession) -> None:
    settings = parts.settings
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
        now, silence = parts.now(), timedelta(seconds=settings.home_silence_s)
        again = now + min(AGAIN, timedelta(seconds=settings.home_confirm_s))
        ended = await parts.within(lambda work: note_silence(work, session, silence=silence, now=now, again_at=again))
        if ended:
            log.warning("a home was silent for too long", home=session.home, sid=session.sid)
        return
    now = parts.now()
    every = timedelta(seconds=settings.home_confirm_s)
    stands = await parts.within(lambda work: keep_confirmed(work, session, told, now=now, every=every))
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
