"""A token whose session ended is refused while it is still good by its time; identity being away keeps nobody out."""

from __future__ import annotations

import asyncio

import pytest
from chassis.clock import FixedClock
from chassis.errors import Fault, Kind
from gateway.adapters.sessions import AGE, KEEP_S, EndedSessions
from gateway.messages import identity
from google.protobuf.timestamp_pb2 import Timestamp

from ..fakes import FakeBus

METHOD = "identity.list_ended_sessions"


def told(*sids: str, until: int = 1) -> identity.ListEndedSessionsResponse:
    return identity.ListEndedSessionsResponse(sids=sids, until=Timestamp(seconds=until))


def test_a_token_of_an_ended_session_is_refused_and_every_other_is_not(gateway, ask) -> None:
    gateway.bus.answers[METHOD] = told("over")
    gateway.app.state.ended._bus = gateway.bus
    asyncio.run(gateway.app.state.ended.ask())
    for session, status in (("over", 401), ("open", 200), ("", 200)):
        gateway.tokens.session = session
        answer = ask("GET", "/v1/items", "citizen")
        assert answer.status_code == status
    gateway.tokens.session = "over"
    answer = ask("GET", "/v1/items", "citizen")
    assert answer.json()["code"] == "token.session_ended"
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_it_asks_on_from_the_last_answer_for_the_gateway_itself() -> None:
    bus = FakeBus({METHOD: told("one", until=7)})
    ended = EndedSessions(bus, FixedClock())
    asyncio.run(ended.ask())
    asyncio.run(ended.ask())
    (_, first, assertion), (_, second, _) = bus.calls
    assert not first.HasField("since")
    assert second.since.seconds == 7
    assert assertion == ""


def test_without_an_answer_what_is_known_stays_and_its_age_is_told() -> None:
    clock = FixedClock()
    bus = FakeBus({METHOD: told("one")})
    ended = EndedSessions(bus, clock)
    asyncio.run(ended.ask())
    bus.answers[METHOD] = Fault("rpc.unavailable", Kind.UNAVAILABLE, "away")
    clock.advance(seconds=90)
    with pytest.raises(Fault):
        asyncio.run(ended.ask())
    assert ended.has("one")
    assert AGE._value.get() == 90
    bus.answers[METHOD] = told("two")
    asyncio.run(ended.ask())
    assert (ended.has("one"), ended.has("two"), AGE._value.get()) == (True, True, 0)


def test_a_session_is_forgotten_when_no_token_of_it_can_be_good_any_more() -> None:
    clock = FixedClock()
    bus = FakeBus({METHOD: told("one")})
    ended = EndedSessions(bus, clock)
    asyncio.run(ended.ask())
    bus.answers[METHOD] = told()
    clock.advance(seconds=KEEP_S)
    asyncio.run(ended.ask())
    assert ended.has("one")
    clock.advance(seconds=1)
    asyncio.run(ended.ask())
    assert not ended.has("one")
