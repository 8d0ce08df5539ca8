"""Keeps what people call the districts at hand: every page says where it is, also while the database is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis.edge import running
from chassis.errors import fault_of

from identity.http.parts import Parts

#: Seconds between two looks for a newer registry.
LOOK_S = 5.0


@asynccontextmanager
async def naming(parts: Parts) -> AsyncIterator[None]:
    """As long as the application runs. Nothing waits for the first look: a process that says it is ready has to listen."""
    async with running(_look_for_ever(parts)):
        yield


async def look(parts: Parts) -> None:
    """While the database is away, names stay as they were; at first they are the codes."""
    try:
        await parts.within(parts.peers.look)
    except Exception as error:
        if fault_of(error) is None:
            raise


async def _look_for_ever(parts: Parts) -> None:
    while True:
        await look(parts)
        await asyncio.sleep(LOOK_S)
