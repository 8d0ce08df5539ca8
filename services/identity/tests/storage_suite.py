"""What a database of identity promises: run on the fake and on PostgreSQL alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from identity.domain.model import Assurance, Role
from identity.domain.policies import open_session

from .factories import NOW, account, client


class StorageSuite:
    """Subclasses give the fixture `work`."""

    def test_an_account_comes_back_as_it_was_put_in(self, work) -> None:
        for put in (account(), account("clerk", role=Role.CLERK)):
            work.accounts.add(put, "a hash")
            assert work.accounts.get(put.subject) == put
            assert work.accounts.by_login(put.login) == put
            assert work.accounts.get_for_change(put.subject) == put
            assert work.accounts.password_hash(put.subject) == "a hash"

    def test_who_is_not_there_is_not_found(self, work) -> None:
        assert work.accounts.get("nobody") is None
        assert work.accounts.by_login("nobody") is None
        assert work.sessions.get("nothing") is None
        assert work.clients.get("nothing") is None

    def test_a_user_name_is_taken_once_and_a_number_that_is_only_claimed_any_number_of_times(self, work) -> None:
        weak = {"acr": Assurance.L2}
        assert work.accounts.add_if_free(account("one", **weak), "a hash")
        assert not work.accounts.add_if_free(account("one", subject="other", **weak), "another")
        assert work.accounts.get("other") is None
        assert work.accounts.password_hash("subject-one") == "a hash"
        assert work.accounts.add_if_free(account("two", **weak), "a hash")
        assert work.accounts.add_if_free(account("three"), "a hash"), "proven, beside two that only claim it"

    def test_a_changed_account_keeps_its_password_and_a_changed_password_its_account(self, work) -> None:
        work.accounts.add(account(), "old")
        work.accounts.save(account().shut_out())
        assert (work.accounts.get("subject-citizen").enabled, work.accounts.password_hash("subject-citizen")) == (
            False,
            "old",
        )
        work.accounts.set_password_hash("subject-citizen", "new")
        assert work.accounts.password_hash("subject-citizen") == "new"
        assert work.accounts.get("subject-citizen").version == 2

    def test_ending_a_session_ends_only_that_one_and_ending_all_ends_only_that_person_s(self, work) -> None:
        for login in ("one", "two"):
            work.accounts.add(account(login, role=Role.CLERK), "-")
        for cookie, login in (("a", "one"), ("b", "one"), ("c", "one"), ("d", "two")):
            work.sessions.add(open_session(cookie, f"subject-{login}", NOW))
        a, b, c, d = (open_session(cookie, "-", NOW).key for cookie in "abcd")
        work.sessions.end(a, NOW)
        assert not work.sessions.get(a).is_open(NOW)
        assert work.sessions.end_all("subject-one", NOW) == 2
        assert [work.sessions.get(key).is_open(NOW) for key in (a, b, c, d)] == [False, False, False, True]

    def test_an_ended_session_keeps_the_time_it_ended(self, work) -> None:
        work.accounts.add(account(), "-")
        session = open_session("a", "subject-citizen", NOW)
        work.sessions.add(session)
        work.sessions.end(session.key, NOW)
        work.sessions.end(session.key, NOW + timedelta(hours=1))
        assert work.sessions.get(session.key) == replace(session, ended_at=NOW)

    def test_old_sessions_and_assertions_are_forgotten_and_others_stay(self, work) -> None:
        work.accounts.add(account(), "-")
        session = open_session("a", "subject-citizen", NOW)
        work.sessions.add(session)
        work.clients.use_assertion("kiosk-1", "j", NOW)
        assert (work.sessions.forget(session.expires_at), work.clients.forget_assertions(NOW)) == (0, 0)
        later = session.expires_at + timedelta(seconds=1)
        assert (work.sessions.forget(later), work.clients.forget_assertions(later)) == (1, 1)
        assert work.sessions.get(session.key) is None

    def test_a_client_id_is_taken_once(self, work) -> None:
        assert work.clients.add(client())
        assert not work.clients.add(client(roles=frozenset({Role.PARTNER})))
        assert work.clients.get("kiosk-1") == client()

    def test_an_assertion_is_used_once_per_client(self, work) -> None:
        assert work.clients.use_assertion("kiosk-1", "j", NOW)
        assert not work.clients.use_assertion("kiosk-1", "j", NOW)
        assert work.clients.use_assertion("kiosk-2", "j", NOW)

    def test_of_the_registries_the_highest_version_is_the_newest_whenever_it_came(self, work) -> None:
        assert work.registry.newest() is None
        for version in (2, 10, 9):
            work.registry.keep(version, f"text {version}", NOW)
        assert work.registry.newest() == (10, "text 10")
