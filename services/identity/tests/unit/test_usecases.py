"""What identity promises, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from identity.domain.errors import (
    AccountNotFound,
    ClientExists,
    ClientRefused,
    InvalidClient,
    InvalidSample,
    NotSignedIn,
    OwnAccount,
    RoleNotForClients,
    SignInRefused,
)
from identity.domain.events import AccountDisabled
from identity.domain.model import Role
from identity.domain.policies import SESSION_LIFETIME, pairwise_subject, secret_key
from identity.usecases.accept_assertion import accept_assertion
from identity.usecases.begin_session import begin_session
from identity.usecases.disable_account import disable_account
from identity.usecases.end_session import end_session
from identity.usecases.find_credential import find_credential
from identity.usecases.find_session import find_session
from identity.usecases.get_account import get_account
from identity.usecases.list_ended_sessions import list_ended_sessions
from identity.usecases.load_sample import Passwords, load_sample
from identity.usecases.register_client import register_client

from ..factories import ID_NUMBER, KEY, NOW, OTHER_KEY, PASSWORD, account, client
from ..fakes import FakeWork

SUBJECT = account().subject
PLAIN = Passwords(lambda password: f"hash of {password}", lambda kept, password: kept == f"hash of {password}")


@pytest.fixture
def work() -> FakeWork:
    work = FakeWork()
    work.accounts.add(account(), "a hash")
    work.clients.add(client())
    return work


def signed_in(work, cookie="cookie", replaces="") -> None:
    begin_session(work, SUBJECT, cookie=cookie, sid=f"sid of {cookie}", replaces=replaces, now=NOW)


def test_an_account_that_is_not_there_is_said_to_be_not_there(work) -> None:
    with pytest.raises(AccountNotFound):
        get_account(work, "nobody")


def test_a_session_is_found_by_its_cookie_and_lasts_eight_hours(work) -> None:
    signed_in(work)
    session, found = find_session(
        work, "cookie", now=NOW + SESSION_LIFETIME - timedelta(seconds=1), silence=timedelta(minutes=15)
    )
    assert (session.signed_in_at, found) == (NOW, account())
    with pytest.raises(NotSignedIn):
        find_session(work, "cookie", now=NOW + SESSION_LIFETIME, silence=timedelta(minutes=15))


@pytest.mark.parametrize("cookie", ["", "another"])
def test_no_cookie_or_another_is_no_session(work, cookie) -> None:
    signed_in(work)
    with pytest.raises(NotSignedIn):
        find_session(work, cookie, now=NOW, silence=timedelta(minutes=15))


def test_the_table_of_sessions_signs_nobody_in(work) -> None:
    signed_in(work)
    assert work.sessions.get("cookie") is None
    with pytest.raises(NotSignedIn):
        find_session(work, secret_key("cookie"), now=NOW, silence=timedelta(minutes=15))


def test_signing_in_ends_the_session_that_the_browser_came_with(work) -> None:
    signed_in(work, "planted")
    signed_in(work, "fresh", replaces="planted")
    with pytest.raises(NotSignedIn):
        find_session(work, "planted", now=NOW, silence=timedelta(minutes=15))
    find_session(work, "fresh", now=NOW, silence=timedelta(minutes=15))


def test_shutting_out_ends_sessions_bars_the_password_and_is_told_once(work) -> None:
    signed_in(work)
    for _ in range(2):
        account_now = disable_account(work, SUBJECT, "stolen", by="operator", now=NOW)
    assert (account_now.enabled, account_now.version) == (False, 2)
    assert work.events == [AccountDisabled(SUBJECT, "stolen", 2)]
    assert find_credential(work, "citizen") is None
    with pytest.raises(NotSignedIn):
        find_session(work, "cookie", now=NOW, silence=timedelta(minutes=15))
    with pytest.raises(SignInRefused):
        signed_in(work)


def test_nobody_shuts_out_themself_or_somebody_who_is_not_there(work) -> None:
    with pytest.raises(OwnAccount):
        disable_account(work, SUBJECT, "-", by=SUBJECT, now=NOW)
    with pytest.raises(AccountNotFound):
        disable_account(work, "nobody", "-", by="operator", now=NOW)
    assert work.accounts.get(SUBJECT).enabled


def test_a_name_nobody_has_and_one_that_was_shut_out_look_the_same(work) -> None:
    work.accounts.save(account().shut_out())
    assert find_credential(work, "citizen") is find_credential(work, "nobody") is None


def test_registering_a_client_again_changes_nothing(work) -> None:
    first = register_client(work, "kiosk-2", KEY, ["kiosk"], now=NOW)
    assert register_client(work, "kiosk-2", KEY, ["kiosk"], now=NOW + timedelta(days=1)) == first


@pytest.mark.parametrize(("key", "roles"), [(OTHER_KEY, ["kiosk"]), (KEY, ["partner"])])
def test_a_client_id_with_another_key_or_other_roles_is_taken(work, key, roles) -> None:
    with pytest.raises(ClientExists):
        register_client(work, "kiosk-1", key, roles, now=NOW)
    assert work.clients.get("kiosk-1") == client()


@pytest.mark.parametrize("client_id", ["", "ab", "Kiosk", "a b c", "a" * 65, "kiosk\n"])
def test_a_client_id_is_of_a_fixed_form(work, client_id) -> None:
    with pytest.raises(InvalidClient):
        register_client(work, client_id, KEY, ["kiosk"], now=NOW)


@pytest.mark.parametrize("roles", [[], ["citizen"], ["kiosk", "operator"], ["nothing"]])
def test_a_machine_is_given_no_person_s_role(work, roles) -> None:
    with pytest.raises(RoleNotForClients):
        register_client(work, "kiosk-2", KEY, roles, now=NOW)


def test_an_assertion_lets_an_enabled_client_in_once(work) -> None:
    assert accept_assertion(work, "kiosk-1", "j", NOW) == client()
    for client_id, jti in (("kiosk-1", "j"), ("kiosk-2", "k")):
        with pytest.raises(ClientRefused):
            accept_assertion(work, client_id, jti, NOW)
    work.clients._rows["kiosk-1"] = client(enabled=False)
    with pytest.raises(ClientRefused):
        accept_assertion(work, "kiosk-1", "k", NOW)


def test_a_pairwise_subject_is_stable_for_a_district_and_different_elsewhere() -> None:
    here = pairwise_subject(b"k" * 32, SUBJECT, "310101")
    assert here == pairwise_subject(b"k" * 32, SUBJECT, "310101")
    others = {pairwise_subject(b"k" * 32, SUBJECT, "320106"), pairwise_subject(b"k" * 32, "another", "310101")}
    assert len({here, SUBJECT, pairwise_subject(b"l" * 32, SUBJECT, "310101")} | others) == 5


def load(work, sample=None, password=PASSWORD) -> str:
    sample = sample or account("new", subject="fresh", id_number=ID_NUMBER)
    return load_sample(work, sample, password, PLAIN, lambda number: number == ID_NUMBER)


def test_a_sample_is_marked_and_loading_it_again_changes_nothing(work) -> None:
    assert [load(work), load(work)] == ["new", "unchanged"]
    kept = work.accounts.by_login("new")
    assert (kept.sample, kept.version, work.accounts.password_hash("fresh")) == (True, 1, f"hash of {PASSWORD}")


def test_a_new_password_or_other_data_changes_the_sample_and_keeps_its_subject(work) -> None:
    load(work)
    assert load(work, password="another password") == "changed"
    sample = account("new", subject="other")
    assert (
        load(work, replace(sample, person=replace(sample.person, email="b@sample.example")), "another password")
        == "changed"
    )
    kept = work.accounts.by_login("new")
    assert (kept.subject, kept.version, kept.person.email) == ("fresh", 2, "b@sample.example")


@pytest.mark.parametrize(
    ("sample", "password"),
    [
        (account("new"), "short"),
        (account("new", id_number="110101188001010012"), PASSWORD),
        (account("new", roles=frozenset({Role.CITIZEN, Role.CLERK})), PASSWORD),
        (account("new", role=Role.CLERK, roles=frozenset()), PASSWORD),
        (account("new", role=Role.CLERK, roles=frozenset({Role.CITIZEN})), PASSWORD),
        (account("citizen"), PASSWORD),
    ],
    ids=[
        "short password",
        "wrong number",
        "person with staff's role",
        "staff with none",
        "staff as citizen",
        "not a sample",
    ],
)
def test_a_sample_that_breaks_a_rule_is_refused(work, sample, password) -> None:
    with pytest.raises(InvalidSample):
        load(work, sample, password)
    assert work.accounts.by_login("new") is None


def test_a_session_that_ended_is_told_until_no_token_of_it_is_good(work) -> None:
    signed_in(work)
    end_session(work, "cookie", now=NOW)
    sids, until = list_ended_sessions(work, None, now=NOW + timedelta(minutes=10))
    assert (len(sids), until < NOW + timedelta(minutes=10)) == (1, True)
    assert list_ended_sessions(work, NOW - timedelta(days=1), now=NOW + timedelta(minutes=10))[0] == sids
    assert list_ended_sessions(work, NOW - timedelta(days=1), now=NOW + timedelta(minutes=12))[0] == []
    assert list_ended_sessions(work, NOW + timedelta(seconds=1), now=NOW + timedelta(minutes=1))[0] == []


def test_what_ends_while_it_is_asked_is_told_the_next_time(work) -> None:
    _, until = list_ended_sessions(work, None, now=NOW)
    signed_in(work)
    end_session(work, "cookie", now=NOW - timedelta(seconds=5))  # by the clock of a transaction that took its time
    assert len(list_ended_sessions(work, until, now=NOW + timedelta(seconds=5))[0]) == 1
