"""Keeps what people call the districts at hand: every page says where it is, also while the database is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis.edge import again, running

from identity.http.parts import Parts

#: Seconds between two looks for a newer registry.
LOOK_S = 5.0


@asynccontextmanager
async def naming(parts: Parts) -> AsyncIterator[None]:
    """As long as the application runs. Nothing waits for the first look: a process that says it is ready has to listen."""
    async with running(again(lambda: look(parts), LOOK_S, "what districts are called could not be looked up")):
        yield


async def look(parts: Parts) -> None:
    """While the database is away, names stay as they were; at first they are the codes. Raises Fault."""
    await parts.within(parts.peers.look)
