"""Guessing at the running provider: it is slowed by name and address, and nobody else waits for it, also behind a proxy."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time

import httpx
import pytest
from chassis.edge import Networks
from identity.http.lanes import LONGEST_DELAY_S

from tests.support.calls import eventually

from ..factories import PASSWORD
from ..provider import PROGRAM, Provider, load_people

pytestmark = pytest.mark.engines

PROXY, STRANGER = "127.20.9.80", "127.20.9.81"
GUESSES = 200


@pytest.fixture(scope="module")
def guessed(database, tmp_path_factory):
    running = Provider(database.url, tmp_path_factory.mktemp("guessed"), trusted_proxies=Networks.of(f"{PROXY}/32"))
    load_people(running)
    yield running
    running.stop()


def signs_in(guessed: Provider, password: str, *, at: str, login: str = "operator", **headers: str) -> int:
    """The status of one attempt from the address `at`."""
    transport = httpx.HTTPTransport(verify=guessed.context, local_address=at)
    with httpx.Client(transport=transport, timeout=120, headers=PROGRAM | headers) as there:
        fields = {"login": login, "password": password}
        return there.post(f"{guessed.issuer}/sign-in", data=fields).status_code


@pytest.mark.parametrize(
    ("at", "told", "lane"),
    [
        (PROXY, "192.0.2.1", "192.0.2.1"),
        (PROXY, "192.0.2.2", "192.0.2.2"),
        (PROXY, "192.0.2.3, 192.0.2.4", "192.0.2.4"),
        (PROXY, "nobody, at all", PROXY),
        (PROXY, "", PROXY),
        (STRANGER, "192.0.2.5", STRANGER),
    ],
)
def test_attempts_share_a_lane_by_who_makes_them_and_not_by_what_a_stranger_says(guessed, at, told, lane) -> None:
    login = f"{at} {told!r}"
    assert signs_in(guessed, PASSWORD, at=at, login=login, **{"X-Forwarded-For": told}) == 401
    assert hashlib.sha256(f"{lane}\x1f{login}".encode()).hexdigest() in guessed.parts.lanes._lanes


def test_two_hundred_guesses_at_once_are_refused_and_the_right_password_works_in_their_midst_and_after_them(
    guessed,
) -> None:
    """At the provider over HTTPS, from the address that guesses: nobody is locked out by what another does to their name."""
    refused: list[int] = []
    fields = {"login": "operator"}

    async def guess(there: httpx.AsyncClient, n: int) -> None:
        answer = await there.post(f"{guessed.issuer}/sign-in", data=fields | {"password": f"guess {n}"})
        refused.append(answer.status_code)

    async def flood() -> None:
        transport = httpx.AsyncHTTPTransport(
            verify=guessed.context, local_address=STRANGER, limits=httpx.Limits(max_connections=None)
        )
        async with httpx.AsyncClient(transport=transport, timeout=300, headers=PROGRAM) as there:
            await asyncio.gather(*(guess(there, n) for n in range(GUESSES)))

    flooding = threading.Thread(target=lambda: asyncio.run(flood()))
    flooding.start()
    try:
        eventually(lambda: len(refused) >= GUESSES // 4, 120)
        assert signs_in(guessed, PASSWORD, at=STRANGER) == 303
        during = len(refused)
    finally:
        flooding.join(300)
    assert during < GUESSES, "tried while guesses were still waiting"
    assert refused == [401] * GUESSES
    began = time.monotonic()
    assert signs_in(guessed, PASSWORD, at=STRANGER) == 303
    # One place in four of the lane may still be held by the last failure; the rest is for a machine under load.
    assert time.monotonic() - began < LONGEST_DELAY_S + 10
