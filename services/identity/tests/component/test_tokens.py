"""Codes and refresh tokens at the token endpoint over real HTTPS: what is given, how often, and to whom."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from identity.adapters.client_keys import canonical_key
from identity.adapters.token_keys import half_hash
from identity.domain.grants import CODE_LIFETIME, REFRESH_GRACE
from identity.domain.policies import SESSION_LIFETIME, pairwise_subject

from ..factories import client
from ..provider import APP, PORTAL, SHOP, Party, okp

pytestmark = pytest.mark.engines

BOTH = pytest.mark.parametrize("party", [PORTAL, APP], ids=["confidential", "public"])


#: OAuth's word for a refusal → our code for it.
CODES = {
    "invalid_grant": "identity.grant_refused",
    "invalid_client": "identity.client_refused",
    "invalid_scope": "identity.scope_refused",
    "invalid_request": "identity.oauth_request_refused",
    "unsupported_grant_type": "identity.unknown_grant",
}


def is_refused(answer, error: str = "invalid_grant", status: int = 400) -> bool:
    body = answer.json()
    right = (answer.status_code, body["error"], body["code"]) == (status, error, CODES[error])
    return right and "access_token" not in body


@BOTH
def test_a_code_gives_an_id_token_an_access_token_and_a_refresh_token_that_say_the_same(
    provider, person, its_clock, party
) -> None:
    its_clock.advance(seconds=90)
    flow = provider.flow(party)
    answer = provider.redeem(flow, provider.code(person, flow))
    given = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert set(given) == {"access_token", "token_type", "expires_in", "scope", "id_token", "refresh_token"}
    assert (given["token_type"], given["expires_in"], set(given["scope"].split())) == (
        "Bearer",
        600,
        set(party.scope.split()),
    )
    token, proof = provider.claims(given["access_token"]), provider.claims(given["id_token"])
    assert (token["aud"], token["client_id"]) == (["tongban-gateway:320508", provider.issuer], party.client_id)
    assert (token["scope"], token["roles"], token["district"]) == (given["scope"], ["citizen"], "320508")
    for claims in (token, proof):
        assert (claims["iss"], claims["acr"], claims["auth_time"]) == (provider.issuer, "L4", provider.now - 90)
        assert claims["exp"] - claims["iat"] == 600
    assert (proof["aud"], proof["nonce"]) == (party.client_id, flow.fields["nonce"])
    assert proof["at_hash"] == half_hash(given["access_token"], "EdDSA")
    assert (proof["sub"], proof["sid"]) == (token["sub"], token["sid"])


def test_the_portal_knows_people_by_their_own_subject_and_others_by_one_of_their_sector(provider, person) -> None:
    def subject(party) -> str:
        return provider.claims(provider.given(person, party)["id_token"])["sub"]

    own = subject(PORTAL)
    key = provider.parts.sealing.pairwise_key
    assert subject(APP) == own
    assert subject(SHOP) == subject(SHOP) == pairwise_subject(key, own, "sector/shop.example") != own
    given = provider.claims(provider.given(person, SHOP)["access_token"])
    assert (given["aud"], given["sub"]) == ([provider.issuer], subject(SHOP)), (
        "nothing for the gateway, nor its subject"
    )


@BOTH
def test_of_fifty_that_redeem_a_code_at_once_one_gets_tokens_and_then_nobody_has_any(provider, person, party) -> None:
    flow = provider.flow(party)
    code = provider.code(person, flow)
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: provider.redeem(flow, code), range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 49
    assert all(is_refused(answer) for answer in answers if answer.status_code != 200)
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert is_refused(provider.refresh(party, won["refresh_token"])), "a code that came twice ends what it gave"
    assert provider.given(person, party)["refresh_token"], "and nothing else"


@BOTH
@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": None},
        {"code_verifier": ""},
        {"code_verifier": "x" * 64},
        {"code_verifier": "x" * 42},
        {"code_verifier": "é" * 50},
        {"code_verifier": "CHALLENGE"},  # plain
        {"code_verifier": "CHALLENGE", "code_challenge_method": "plain"},
        {"code_verifier": None, "code_challenge_method": "plain"},
        {"redirect_uri": None},
        {"redirect_uri": "https://portal.example/signed-in/"},
        {"code": None},
        {"code": ""},
        {"code": "x"},
        {"code": "a" * 5000},
    ],
    ids=str,
)
def test_without_the_verifier_the_code_or_its_address_nothing_is_given(provider, person, party, changes) -> None:
    flow = provider.flow(party)
    code = provider.code(person, flow)
    wrong = {name: flow.fields["code_challenge"] if value == "CHALLENGE" else value for name, value in changes.items()}
    answer = provider.redeem(flow, wrong.pop("code", code), **wrong)
    assert is_refused(answer, answer.json()["error"])
    assert answer.json()["error"] in ("invalid_grant", "invalid_request")
    assert provider.redeem(flow, code).status_code == 200, "the right one still can"


def test_a_code_is_good_for_a_minute_for_its_client_and_while_the_person_is_signed_in(
    provider, person, its_clock
) -> None:
    flow = provider.flow()
    late = provider.code(person, flow)
    its_clock.advance(seconds=CODE_LIFETIME.total_seconds())
    assert is_refused(provider.redeem(flow, late))
    code = provider.code(person, flow)
    stolen = {"client_id": APP.client_id}
    assert is_refused(provider.redeem(flow, code, stolen)), "another client's"
    assert is_refused(provider.redeem(flow, code, SHOP.proof(provider.issuer, provider.now)))
    kept = provider.code(person, flow)
    assert provider.redeem(flow, code).status_code == 200
    person.post("/sign-out", headers={"Tongban-CSRF": "1"})
    assert is_refused(provider.redeem(flow, kept))


def test_a_confidential_client_proves_who_it_is_and_a_public_one_has_nothing_to_prove(provider, person) -> None:
    flow = provider.flow()
    code = provider.code(person, flow)
    issuer, now = provider.issuer, provider.now
    used = PORTAL.proof(issuer, now)
    impostor = Party("portal", PORTAL.redirect_uri, PORTAL.scope, okp())
    wrong = [
        {"client_id": "portal"}, {}, {"client_id": "portal", "client_secret": "x"}, impostor.proof(issuer, now),
        PORTAL.proof("https://elsewhere.example", now), PORTAL.proof(issuer, now - 120), PORTAL.proof(issuer, now, sub="shop"),
        PORTAL.proof(issuer, now) | {"client_id": "shop"}, PORTAL.proof(issuer, now) | {"client_assertion_type": "x"},
        {"client_id": "nobody"}, used | {"client_assertion": used["client_assertion"][:-4] + "AAAA"},
    ]  # fmt: skip
    for proof in wrong:
        assert is_refused(provider.redeem(flow, code, proof), "invalid_client", 401), proof
    app = provider.flow(APP)
    app_code = provider.code(person, app)
    forged = Party("app", APP.redirect_uri, APP.scope, okp()).proof(issuer, now)
    assert is_refused(provider.redeem(app, app_code, forged), "invalid_client", 401)
    assert provider.redeem(app, app_code).status_code == 200
    assert provider.redeem(flow, code, used).status_code == 200
    again = provider.flow()
    assert is_refused(provider.redeem(again, provider.code(person, again), used), "invalid_client", 401), "used up"


@BOTH
def test_a_refresh_token_is_replaced_and_everything_that_was_proven_stays_as_it_was(
    provider, person, its_clock, party
) -> None:
    first = provider.given(person, party)
    its_clock.advance(minutes=10)
    answer = provider.refresh(party, first["refresh_token"])
    second = answer.json()
    assert answer.status_code == 200
    assert second["refresh_token"] != first["refresh_token"]
    before, after = (provider.claims(given["id_token"]) for given in (first, second))
    assert {n: before[n] for n in ("sub", "sid", "acr", "auth_time")} == {
        n: after[n] for n in ("sub", "sid", "acr", "auth_time")
    }
    assert "nonce" not in after
    assert after["exp"] == provider.now + 600
    assert provider.claims(second["access_token"])["auth_time"] == before["auth_time"]


def test_a_lost_answer_and_a_second_tab_throw_nobody_out(provider, person, its_clock) -> None:
    first = provider.given(person)["refresh_token"]
    lost = provider.refresh(PORTAL, first).json()["refresh_token"]
    its_clock.advance(seconds=REFRESH_GRACE.total_seconds() - 1)
    second = provider.refresh(PORTAL, first).json()["refresh_token"]
    assert second != lost
    its_clock.advance(minutes=5)
    assert provider.refresh(PORTAL, second).status_code == 200
    with ThreadPoolExecutor(8) as pool:
        tabs = list(pool.map(lambda _: provider.refresh(PORTAL, second), range(8)))
    assert {tab.status_code for tab in tabs} == {200}
    its_clock.advance(minutes=5)
    assert provider.refresh(PORTAL, tabs[-1].json()["refresh_token"]).status_code == 200


@BOTH
def test_a_refresh_token_that_comes_after_its_grace_ends_everything_that_came_of_its_code(
    provider, person, its_clock, party
) -> None:
    first = provider.given(person, party)["refresh_token"]
    newest = provider.refresh(party, first).json()["refresh_token"]
    its_clock.advance(seconds=REFRESH_GRACE.total_seconds())
    assert is_refused(provider.refresh(party, first))
    assert is_refused(provider.refresh(party, newest))


def test_who_copied_a_refresh_token_cannot_go_on_beside_the_one_it_was_given_to(provider, person, its_clock) -> None:
    first = provider.given(person)["refresh_token"]
    thief = provider.refresh(PORTAL, first).json()["refresh_token"]
    owner = provider.refresh(PORTAL, first).json()["refresh_token"]  # within the grace, so both have one
    its_clock.advance(minutes=5)
    assert provider.refresh(PORTAL, owner).status_code == 200
    its_clock.advance(minutes=5)
    assert is_refused(provider.refresh(PORTAL, thief)), "and everything ends"


def test_a_token_two_generations_old_has_no_grace(provider, person) -> None:
    first = provider.given(person)["refresh_token"]
    second = provider.refresh(PORTAL, first).json()["refresh_token"]
    third = provider.refresh(PORTAL, second).json()["refresh_token"]
    assert is_refused(provider.refresh(PORTAL, first))
    assert is_refused(provider.refresh(PORTAL, third))


def test_a_refresh_token_is_for_its_client_and_gives_no_more_than_it_was_given(provider, person) -> None:
    token = provider.given(person, SHOP)["refresh_token"]
    assert is_refused(provider.refresh(APP, token))
    assert is_refused(provider.refresh(PORTAL, token))
    assert is_refused(provider.refresh(SHOP, token, scope="openid api"), "invalid_scope")
    assert is_refused(provider.refresh(SHOP, token, refresh_token=None), "invalid_request")
    narrow = provider.refresh(SHOP, token, scope="openid").json()
    assert narrow["scope"] == "openid"
    wide = provider.refresh(SHOP, narrow["refresh_token"]).json()
    assert wide["scope"] == "openid profile offline_access"


def test_no_refresh_token_without_the_scope_for_it(provider, person) -> None:
    assert "refresh_token" not in provider.given(person, scope="openid profile")


@pytest.mark.parametrize("end", ["sign out", "eight hours", "shut out"])
def test_a_refresh_token_ends_with_the_session(provider, its_clock, end) -> None:
    with provider.browser() as there:
        provider.sign_in(there, "publisher")
        token = provider.given(there)["refresh_token"]
        token = provider.refresh(PORTAL, token).json()["refresh_token"]
        if end == "sign out":
            there.post("/sign-out", headers={"Tongban-CSRF": "1"})
        elif end == "eight hours":
            its_clock.advance(seconds=SESSION_LIFETIME.total_seconds())
        else:
            provider.parts._within(lambda work: work.accounts.save(work.accounts.by_login("publisher").shut_out()))
    assert is_refused(provider.refresh(PORTAL, token))


def test_nothing_in_the_tables_is_a_code_or_a_refresh_token(provider, person) -> None:
    flow = provider.flow()
    code = provider.code(person, flow)
    token = provider.redeem(flow, code).json()["refresh_token"]
    with provider.parts.database.transaction() as connection:
        for table in ("codes", "refresh_tokens", "grants"):
            kept = connection.exec_driver_sql(f"SELECT string_agg({table}::text, ' ') FROM {table}").scalar_one()
            assert kept
            assert code not in kept
            assert token not in kept


def test_a_relying_party_has_no_token_of_its_own_and_a_machine_redeems_nobody_s_code(provider, person) -> None:
    machine = Party("kiosk-7", PORTAL.redirect_uri, "openid", okp())
    key = canonical_key(json.dumps(machine.key.as_dict(private=False)))
    provider.parts._within(lambda work: work.clients.add(client("kiosk-7", public_jwk=key)))
    machines = {"grant_type": "client_credentials"}
    assert provider.token(machine, machines).status_code == 200
    assert is_refused(provider.token(PORTAL, machines), "invalid_client", 401)
    flow = provider.flow()
    stolen = provider.redeem(flow, provider.code(person, flow), machine.proof(provider.issuer, provider.now))
    assert is_refused(stolen, "invalid_client", 401)
    assert is_refused(provider.token(machine, {"grant_type": "password"}), "unsupported_grant_type")
