"""What the endpoints of the web process work with, put together once."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from chassis.clock import Clock, NewId
from chassis.database import Database
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from identity.adapters.sealing import Sealing, derived
from identity.adapters.storage import Storage
from identity.adapters.token_keys import Signer, read_keys
from identity.http.forms import Forms
from identity.http.lanes import Lanes
from identity.http.settings import HttpSettings

T = TypeVar("T")


@dataclass(frozen=True)
class Parts:
    """The web process's parts; kept at `app.state.parts`."""

    settings: HttpSettings
    clock: Clock
    new_id: NewId
    database: Database
    sealing: Sealing
    signer: Signer
    forms: Forms
    lanes: Lanes

    @classmethod
    def of(cls, request: Request) -> Parts:
        parts: Parts = request.app.state.parts
        return parts

    def now(self) -> datetime:
        return self.clock.now()

    async def within(self, use: Callable[[Storage], T]) -> T:
        """What `use` makes of a transaction of its own, run in a thread: the database blocks."""
        return await run_in_threadpool(self._within, use)

    def _within(self, use: Callable[[Storage], T]) -> T:
        with self._work() as work:
            return use(work)

    @contextmanager
    def _work(self) -> Iterator[Storage]:
        with self.database.transaction() as connection:
            yield Storage(connection, self.sealing)


def build(settings: HttpSettings, clock: Clock, new_id: NewId) -> Parts:
    """Raises ValueError where the signing keys are none."""
    field_key = base64.b64decode(settings.field_key)
    keys = read_keys(settings.signing_keys)
    return Parts(
        settings=settings,
        clock=clock,
        new_id=new_id,
        database=Database(settings.database_url, application_name="identity http"),
        sealing=Sealing(field_key),
        signer=Signer(keys, issuer=settings.issuer, district=settings.district, new_id=new_id),
        forms=Forms(derived(field_key, "tongban form token 1"), settings.issuer),
        lanes=Lanes(settings.verifications),
    )
