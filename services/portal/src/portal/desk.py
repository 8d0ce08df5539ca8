"""What every page works with, put together once, and who it is that asks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import httpx
from chassis.clock import Clock, NewId
from chassis.database import Database
from chassis.edge import Room
from chassis.errors import Fault
from chassis.logs import get_logger
from chassis.sealed import FieldCipher
from joserfc.jwk import OKPKey
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from portal.adapters.gateway import Gateway
from portal.adapters.provider import Provider, Refused
from portal.adapters.storage import Storage
from portal.adapters.tokens import NotBelieved
from portal.cookies import session_cookie, session_key
from portal.districts import Districts, DistrictsFile
from portal.errors import identity_away, not_for_you, not_signed_in
from portal.forms import LARGE, Forms
from portal.model import CLAIM_LIFETIME, RENEW_BEFORE, Session
from portal.settings import Settings

T = TypeVar("T")

log = get_logger(__name__)

_LOOK_AGAIN_S = 0.1


@dataclass(frozen=True)
class Desk:
    """The portal's parts; kept at `app.state.desk`."""

    settings: Settings
    clock: Clock
    new_id: NewId
    database: Database
    cipher: FieldCipher
    forms: Forms
    room: Room
    provider: Provider
    gateway: Gateway
    districts_file: DistrictsFile
    http: httpx.AsyncClient

    @classmethod
    def of(cls, request: Request) -> Desk:
        desk: Desk = request.app.state.desk
        return desk

    def now(self) -> datetime:
        return self.clock.now()

    @property
    def districts(self) -> Districts:
        return self.districts_file.present

    async def within(self, use: Callable[[Storage], T]) -> T:
        """What `use` makes of a transaction of its own, run in a thread: the database blocks."""
        return await run_in_threadpool(self._within, use)

    def _within(self, use: Callable[[Storage], T]) -> T:
        with self.database.transaction() as connection:
            return use(Storage(connection, self.cipher))

    # Who asks ---------------------------------------------------------------------------------------------------------

    async def session(self, request: Request) -> Session | None:
        """The session of this browser, its tokens fresh; None where nobody is signed in. Raises Fault."""
        cookie, now = session_cookie(request), self.now()
        if not cookie:
            return None
        found = await self.within(lambda storage: storage.find(session_key(cookie), now))
        return await self._fresh(found) if found else None

    async def _fresh(self, session: Session | None) -> Session | None:
        """The session with tokens that still hold; one caller renews them while the others wait for it."""
        for _ in range(int(CLAIM_LIFETIME.total_seconds() / _LOOK_AGAIN_S)):
            now = self.now()
            if session is None or session.tokens.expires_at - now > RENEW_BEFORE:
                return session
            known = session
            if await self.within(lambda storage: storage.claim(known, now)):  # noqa: B023 -- awaited at once
                return await self._renewed(known)
            if session.tokens.expires_at > now:
                return session  # somebody renews; what we have holds until then
            await asyncio.sleep(_LOOK_AGAIN_S)
            session = await self.within(lambda storage: storage.find(known.key, now))  # noqa: B023 -- awaited at once
        raise identity_away()

    async def _renewed(self, session: Session) -> Session | None:
        try:
            found = await self.provider.renew(session.tokens)
            now_for = found.claims["sub"], found.claims.get("acting_for") or ""
            if now_for != (session.person.subject, session.person.acting_for):
                # Chosen at identity since: pages that are open speak of somebody else, so they end, and the next one begins anew.
                raise Refused("invalid_grant")
        except (Refused, NotBelieved) as refusal:
            log.info("a session was not renewed", reason=str(refusal))
            if str(refusal) == "invalid_grant":
                await self.within(lambda storage: storage.end(session.key))
                return None
            return await self._kept(session)
        except Fault:
            return await self._kept(session)
        await self.within(lambda storage: storage.renew(session, found.tokens))
        return replace(session, tokens=found.tokens)

    async def _kept(self, session: Session) -> Session:
        """Not renewed, and nobody knows why: what we have holds as long as it holds."""
        await self.within(lambda storage: storage.release(session.key))
        if session.tokens.expires_at > self.now():
            return session
        raise identity_away()


def build(settings: Settings, clock: Clock, new_id: NewId, http: httpx.AsyncClient) -> Desk:
    """Raises ValueError where a file of the settings is not what it should be."""
    cipher = FieldCipher(settings.field_key)
    key = OKPKey.import_key(json.loads(settings.portal_key.read_text()))
    if not key.is_private or not key.kid:
        raise ValueError(f"{settings.portal_key}: needs a private Ed25519 key with a kid")
    return Desk(
        settings=settings,
        clock=clock,
        new_id=new_id,
        database=Database(settings.database_url, application_name="portal"),
        cipher=cipher,
        forms=Forms(cipher, settings.portal_url),
        room=Room(LARGE),
        provider=Provider(settings.issuer, settings.portal_url, key=key, http=http, clock=clock, new_id=new_id),
        gateway=Gateway(settings.gateway_url, http),
        districts_file=DistrictsFile(settings.districts, settings.district),
        http=http,
    )


def visitor(request: Request) -> Session | None:
    """Whoever is signed in, as the route found out before it answered."""
    return getattr(request.state, "session", None)


def signed_in(request: Request) -> Session:
    """Raises Fault `portal.not_signed_in`."""
    session = visitor(request)
    if session is None:
        raise not_signed_in()
    return session


def citizen(request: Request) -> Session:
    """Somebody who applies. Raises Fault `portal.not_signed_in`, `portal.role_missing`."""
    session = signed_in(request)
    if not session.person.is_citizen:
        raise not_for_you()
    return session


def clerk(request: Request) -> Session:
    """Somebody who decides here. Raises Fault `portal.not_signed_in`, `portal.role_missing`."""
    session = signed_in(request)
    if not session.person.is_clerk:
        raise not_for_you()
    return session
