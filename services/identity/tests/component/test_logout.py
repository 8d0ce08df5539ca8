"""A session ends, and every relying party of it is told: over real HTTPS, from the queue in the database."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from chassis.telemetry.metrics import exposition
from identity.adapters.token_keys import LOGOUT_EVENT
from identity.domain.policies import pairwise_subject
from identity.usecases.disable_account import disable_account
from joserfc import jws

from tests.support.samples import sample

from ..provider import OLD, PORTAL, PROGRAM, SHOP, Provider, load_people
from ..receiver import Receiver

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("provider")


@pytest.fixture(scope="module")
def receivers(folder):
    made = {name: Receiver(folder) for name in ("portal", "shop", "old")}
    for receiver in made.values():
        receiver.start()
    yield made
    for receiver in made.values():
        receiver.stop()


def parties_told_at(receivers):
    known = (PORTAL, SHOP, OLD)
    return tuple(
        replace(party, more=party.more | {"backchannel_logout_uri": receivers[party.client_id].url}) for party in known
    )


@pytest.fixture(scope="module")
def provider(database, folder, receivers):
    running = Provider(database.url, folder, parties_told_at(receivers))
    load_people(running)
    yield running
    running.stop()


@pytest.fixture
def receiver(receivers):
    """Each forgets what it was told, and is up again afterwards."""
    yield receivers
    for each in receivers.values():
        each.told.clear()
        each.status, each.delay_s, each.tries = 200, 0.0, 0


def sign_out(there) -> None:
    assert there.post("/sign-out", headers=PROGRAM).status_code == 303


def untold(provider) -> int:
    return provider.parts._within(lambda work: work.logouts.untold())


def wait_until_told(provider, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while untold(provider) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not untold(provider)


def test_every_party_of_a_session_is_told_within_five_seconds_by_a_token_that_names_it(
    provider, person, receiver
) -> None:
    def told() -> float:
        return sample(exposition().decode(), "tongban_logout_tries_total", outcome="told")

    given = {party.client_id: provider.given(person, party) for party in (PORTAL, SHOP, OLD)}
    began, before = time.monotonic(), told()
    sign_out(person)
    for party in (PORTAL, SHOP, OLD):
        (token,) = receiver[party.client_id].wait(1)
        assert receiver[party.client_id].told[0][1] - began < 5.0
        assert receiver[party.client_id].kinds == {"application/x-www-form-urlencoded"}
        head = jws.extract_compact(token.encode()).headers()
        assert (head["typ"], head["alg"]) == ("logout+jwt", "ES256" if party is OLD else "EdDSA")
        claims, proof = provider.claims(token), provider.claims(given[party.client_id]["id_token"])
        assert {name: claims[name] for name in ("iss", "aud", "sub", "sid")} == {
            name: proof[name] for name in ("iss", "aud", "sub", "sid")
        }
        assert claims["events"] == {LOGOUT_EVENT: {}}
        assert (claims["iat"], claims["exp"] - claims["iat"]) == (provider.now, 120)
        assert claims["jti"]
        assert "nonce" not in claims
    wait_until_told(provider)
    assert told() == before + 3


def test_only_parties_of_that_session_are_told_and_each_once(provider, person, receiver) -> None:
    with provider.browser() as other:
        provider.sign_in(other)
        provider.given(other, SHOP)
        for _ in range(3):
            provider.given(person, PORTAL)
        flow = provider.flow(OLD)
        provider.code(person, flow)  # never redeemed, so it is no party
        sign_out(person)
        sign_out(person)
        receiver["portal"].wait(1)
        wait_until_told(provider)
        time.sleep(1.2)
        assert [len(each.told) for each in receiver.values()] == [1, 0, 0]


def test_a_party_that_was_down_is_told_when_it_is_back_and_keeps_no_other_waiting(
    provider, person, receiver, its_clock
) -> None:
    for party in (PORTAL, SHOP):
        provider.given(person, party)
    receiver["shop"].stop()
    began = time.monotonic()
    sign_out(person)
    receiver["portal"].wait(1)
    assert receiver["portal"].told[0][1] - began < 5.0
    for _ in range(4):
        time.sleep(0.7)
        its_clock.advance(seconds=15)
    assert untold(provider) == 1
    receiver["shop"].start()
    its_clock.advance(seconds=15)
    assert provider.claims(receiver["shop"].wait(1)[0])["aud"] == "shop"
    wait_until_told(provider)
    assert len(receiver["portal"].told) == 1


def test_a_party_that_hangs_keeps_no_other_waiting_and_one_that_refuses_is_asked_again(
    provider, person, receiver, its_clock
) -> None:
    for party in (PORTAL, SHOP, OLD):
        provider.given(person, party)
    receiver["shop"].delay_s, receiver["old"].status = 6.0, 400
    began = time.monotonic()
    sign_out(person)
    receiver["portal"].wait(1)
    assert receiver["portal"].told[0][1] - began < 5.0
    time.sleep(5)
    assert untold(provider) == 2
    receiver["shop"].delay_s, receiver["old"].status = 0.0, 200
    its_clock.advance(seconds=60)
    receiver["old"].wait(1)
    receiver["shop"].wait(1)
    wait_until_told(provider)


def test_two_web_processes_tell_a_party_once(provider, database, folder, receiver) -> None:
    second = Provider(database.url, folder, parties_told_at(receiver))
    try:
        browsers = [provider.browser() for _ in range(12)]
        for there in browsers:
            provider.sign_in(there)
            provider.given(there)
        for there in browsers:
            sign_out(there)
            there.close()
        wait_until_told(provider)
        time.sleep(1)
        sids = [sid_in(token) for token, _ in receiver["portal"].told]
        assert len(sids) == len(set(sids)) == 12
    finally:
        second.stop()


def sid_in(token: str) -> str:
    return json.loads(jws.extract_compact(token.encode()).payload)["sid"]


def test_a_party_that_redeems_while_the_person_signs_out_gets_nothing_or_is_told(provider, receiver) -> None:
    """Whichever of the two comes first: no party goes on with a session that it was never told the end of."""
    outcomes = []
    with ThreadPoolExecutor(2) as pool:
        for _ in range(15):
            with provider.browser() as there:
                provider.sign_in(there)
                flow = provider.flow()
                code = provider.code(there, flow)
                redeemed, out = pool.submit(provider.redeem, flow, code), pool.submit(sign_out, there)
                out.result()
                outcomes.append(redeemed.result())
    given = [provider.claims(answer.json()["id_token"])["sid"] for answer in outcomes if answer.status_code == 200]
    wait_until_told(provider)
    assert sorted(sid_in(token) for token, _ in receiver["portal"].told) == sorted(given)
    assert {answer.json().get("error") for answer in outcomes if answer.status_code != 200} <= {"invalid_grant"}


def test_shutting_somebody_out_and_somebody_else_signing_in_tell_the_parties_too(provider, receiver) -> None:
    def shut_out(work):
        work.record = lambda event: None
        subject = work.accounts.by_login("agent").subject
        disable_account(work, subject, "test", by="operator", now=provider.clock.now())

    with provider.browser() as there:
        provider.sign_in(there, "agent")
        provider.given(there)
        provider.parts._within(shut_out)
        receiver["portal"].wait(1)
    with provider.browser() as there:
        provider.sign_in(there, "clerk")
        provider.given(there)
        provider.sign_in(there, "publisher")
        receiver["portal"].wait(2)


def test_a_party_registered_no_more_is_told_nothing_and_waited_for_no_longer(provider, person, receiver) -> None:
    provider.given(person)
    kept = provider.parts.parties
    object.__setattr__(provider.parts, "parties", {})
    try:
        sign_out(person)
        wait_until_told(provider)
    finally:
        object.__setattr__(provider.parts, "parties", kept)
    assert receiver["portal"].told == []


def test_a_peer_is_named_by_the_subject_that_it_knows(provider, person, receiver) -> None:
    own = provider.claims(provider.given(person)["id_token"])["sub"]
    provider.given(person, SHOP)
    sign_out(person)
    told = provider.claims(receiver["shop"].wait(1)[0])["sub"]
    assert told == pairwise_subject(provider.parts.sealing.pairwise_key, own, "sector/shop.example")
