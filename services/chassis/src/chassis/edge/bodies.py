"""How much of a request's body is read, for how long, and how many large ones at once.

Every body has at most `LARGEST_BODY` octets; at the addresses that `Large` names, where people hand in files, `LARGEST_WITH_FILES`. A
large one is held in memory several times over until its request is answered, so a process takes few of them at once, and
fewer of one person; who asked is known before any of it is read.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from chassis.edge.rates import too_many

LARGEST_BODY = 1024 * 1024
LARGEST_WITH_FILES = 5 * 1024 * 1024
#: For each MiB that was begun.
BODY_TIMEOUT_S = 20.0
#: Seconds until somebody who was turned away may have room.
_AGAIN_S = 2

#: "METHOD /path", as a pattern.
Large = re.Pattern[str]
NOWHERE: Large = re.compile(r"(?!)")

T = TypeVar("T")


def largest(scope: Scope, large: Large) -> int:
    """The most octets that a request to this address may have."""
    return LARGEST_WITH_FILES if large.fullmatch(f"{scope['method']} {scope['path']}") else LARGEST_BODY


def declared(scope: Scope) -> int:
    """The octets that the head announces; 0 where it does not say."""
    return next((int(v) for k, v in scope["headers"] if k == b"content-length"), 0)


def limited(receive: Receive, most: int) -> Receive:
    """`receive`, ended with 413 when the body grows over `most` octets."""
    taken = 0

    async def receive_some() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise HTTPException(413)
        return message

    return receive_some


async def in_time(request: Request, reading: Awaitable[T]) -> T:
    """What comes of reading the body. Raises HTTPException 408 where it takes over `BODY_TIMEOUT_S` for each MiB it was said to have."""
    begun = 1 + max(0, declared(request.scope) - 1) // 2**20
    try:
        return await asyncio.wait_for(reading, BODY_TIMEOUT_S * begun)
    except TimeoutError:
        raise HTTPException(408) from None


async def body_of(request: Request) -> bytes:
    """The whole body. Raises HTTPException 408 or 413."""
    return await in_time(request, request.body())


class Room:
    """For large bodies: `each` at once of one person, `all` together.

    Measured with 2 MiB of materials: each took 14 MB of the gateway, 31 MB of case_routing and 17 MB of the courier.
    """

    def __init__(self, large: Large, *, each: int = 2, all: int = 4) -> None:
        self._large, self._each, self._all = large, each, all
        self._held: Counter[str] = Counter()

    @contextmanager
    def take(self, request: Request, person: str) -> Iterator[None]:
        """Room for this request's body until the block ends; where files are handed in, one of unknown length needs it too.

        Raises Fault `request.too_many`.
        """
        told = "transfer-encoding" not in request.headers
        most = largest(request.scope, self._large)
        if (declared(request.scope) if told else most) <= LARGEST_BODY:
            yield
            return
        if self._held[person] >= self._each or self._held.total() >= self._all:
            raise too_many(_AGAIN_S)
        self._held[person] += 1
        try:
            yield
        finally:
            self._held[person] -= 1
            if not self._held[person]:
                del self._held[person]
