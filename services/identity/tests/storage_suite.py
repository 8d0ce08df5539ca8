"""What a database of identity promises: run on the fake and on PostgreSQL alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from identity.domain.federation import Attempt, ForeignSession
from identity.domain.firms import Standing
from identity.domain.logouts import Logout
from identity.domain.model import Assurance, Person, Role
from identity.domain.policies import open_session
from identity.domain.proofs import Proof, Way
from identity.domain.vouching import Word

from .factories import (
    CREDIT_CODE,
    GUSU,
    HUANGPU,
    ID_NUMBER,
    NOW,
    OTHER_NUMBER,
    account,
    client,
    code,
    firm,
    grant,
    mandate,
)


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
            work.sessions.add(open_session(cookie, f"sid-{cookie}", f"subject-{login}", NOW))
        a, b, c, d = (f"sid-{cookie}" for cookie in "abcd")
        assert work.sessions.end(a, NOW)
        assert not work.sessions.end(a, NOW)
        assert not work.sessions.end("sid-none", NOW)
        assert not work.sessions.by_sid(a).is_open(NOW)
        assert sorted(work.sessions.end_all("subject-one", NOW)) == [b, c]
        assert [work.sessions.by_sid(sid).is_open(NOW) for sid in (a, b, c, d)] == [False, False, False, True]

    def test_a_session_is_found_by_its_cookie_s_hash_by_its_name_and_among_its_person_s(self, work) -> None:
        work.accounts.add(account(), "-")
        first = open_session("a", "sid-a", "subject-citizen", NOW)
        second = open_session("b", "sid-b", "subject-citizen", NOW + timedelta(minutes=1))
        for session in (first, second):
            work.sessions.add(session)
            assert work.sessions.get(session.key) == session
            assert work.sessions.by_sid(session.sid) == work.sessions.hold(session.sid) == session
        assert list(work.sessions.of("subject-citizen")) == [second, first]
        work.sessions.end("sid-b", NOW)
        assert list(work.sessions.of("subject-citizen")) == [first]

    def test_a_renewed_session_keeps_its_name_and_what_hangs_on_it_and_opens_with_the_new_cookie_alone(
        self, work
    ) -> None:
        work.accounts.add(account(), "-")
        old = open_session("a", "sid-a", "subject-citizen", NOW)
        work.sessions.add(old)
        work.grants.add(grant().redeemed(NOW), code())
        new = open_session("b", "sid-a", "subject-citizen", NOW + timedelta(hours=1))
        work.sessions.renew(old.key, new)
        assert work.sessions.get(old.key) is None
        assert work.sessions.get(new.key) == work.sessions.by_sid("sid-a") == new
        assert work.grants.parties(["sid-a"]) == {"sid-a": ["portal"]}

    def test_an_ended_session_keeps_the_time_it_ended(self, work) -> None:
        work.accounts.add(account(), "-")
        session = open_session("a", "sid-a", "subject-citizen", NOW)
        work.sessions.add(session)
        work.sessions.end("sid-a", NOW)
        work.sessions.end("sid-a", NOW + timedelta(hours=1))
        assert work.sessions.get(session.key) == replace(session, ended_at=NOW)

    def test_sessions_that_ended_are_found_by_when(self, work) -> None:
        work.accounts.add(account(), "-")
        for cookie in "abcd":
            work.sessions.add(open_session(cookie, f"sid-{cookie}", "subject-citizen", NOW))
        for minutes, sid in ((3, "sid-a"), (1, "sid-b"), (2, "sid-c")):
            work.sessions.end(sid, NOW + timedelta(minutes=minutes))
        assert work.sessions.ended_since(NOW) == ["sid-b", "sid-c", "sid-a"]
        assert work.sessions.ended_since(NOW + timedelta(minutes=2)) == ["sid-c", "sid-a"]
        assert work.sessions.ended_since(NOW + timedelta(minutes=4)) == []

    def test_old_sessions_and_assertions_are_forgotten_and_others_stay(self, work) -> None:
        work.accounts.add(account(), "-")
        session = open_session("a", "sid-a", "subject-citizen", NOW)
        work.sessions.add(session)
        work.grants.add(grant(), code())
        work.clients.use_assertion("kiosk-1", "j", NOW)
        assert (work.sessions.forget(session.expires_at), work.clients.forget_assertions(NOW)) == (0, 0)
        later = session.expires_at + timedelta(seconds=1)
        assert (work.sessions.forget(later), work.clients.forget_assertions(later)) == (1, 1)
        assert work.sessions.get(session.key) is None

    def test_a_grant_is_found_by_its_code_and_by_every_refresh_token_with_its_generation(self, work) -> None:
        work.accounts.add(account(), "-")
        work.sessions.add(open_session("a", "sid-a", "subject-citizen", NOW))
        given = grant()
        work.grants.add(given, code())
        assert work.grants.by_code("code-1") == (given, code())
        work.grants.add_refresh("refresh-0", given, NOW)
        rotated = given.redeemed(NOW).rotated(NOW)
        work.grants.save(rotated)
        work.grants.add_refresh("refresh-1", rotated, NOW)
        assert work.grants.get(given.id) == rotated
        assert work.grants.by_refresh("refresh-0") == (rotated, 0)
        assert work.grants.by_refresh("refresh-1") == (rotated, 1)
        assert work.grants.by_code("nothing") is work.grants.by_refresh("nothing") is work.grants.get("nothing") is None

    def test_the_parties_of_a_session_are_those_that_redeemed_a_code_each_once(self, work) -> None:
        work.accounts.add(account(), "-")
        for cookie in "ab":
            work.sessions.add(open_session(cookie, f"sid-{cookie}", "subject-citizen", NOW))
        later = NOW + timedelta(seconds=1)
        given = [
            grant("1", client_id="portal", redeemed_at=later), grant("2", client_id="310101", redeemed_at=NOW),
            grant("3", client_id="portal", redeemed_at=later), grant("4", client_id="never"),
            grant("5", client_id="elsewhere", sid="sid-b", redeemed_at=NOW),
        ]  # fmt: skip
        for one in given:
            work.grants.add(one, code(f"code-{one.id}"))
        assert work.grants.parties(["sid-a"]) == {"sid-a": ["310101", "portal"]}
        assert work.grants.parties(["sid-a", "sid-b", "sid-c"])["sid-b"] == ["elsewhere"]
        assert work.grants.parties([]) == {}

    def test_each_party_of_an_ended_session_is_queued_once_and_given_to_one_at_a_time(self, work) -> None:
        work.accounts.add(account(), "-")
        work.sessions.add(open_session("a", "sid-a", "subject-citizen", NOW))
        for n, client_id in enumerate(("310101", "portal", "portal")):
            work.grants.add(grant(str(n), client_id=client_id, redeemed_at=NOW), code(f"code-{n}"))
        work.grants.add(grant("never", client_id="never"), code("code-never"))
        assert [
            work.logouts.queue(["sid-a"], NOW),
            work.logouts.queue(["sid-a"], NOW),
            work.logouts.queue([], NOW),
        ] == [
            2,
            0,
            0,
        ]
        assert (list(work.logouts.waiting(NOW)), work.logouts.untold()) == (["310101", "portal"], 2)
        until = NOW + timedelta(seconds=15)
        (claimed,) = work.logouts.claim("portal", NOW, until, 8)
        assert claimed == Logout("portal", "sid-a", "subject-citizen", NOW, 1)
        assert list(work.logouts.claim("portal", NOW, until, 8)) == []
        assert list(work.logouts.waiting(NOW)) == ["310101"]
        (again,) = work.logouts.claim("portal", until, until, 8)
        assert again.tries == 2

    def test_a_logout_waits_for_its_next_try_and_is_done_when_the_party_was_told(self, work) -> None:
        work.accounts.add(account(), "-")
        work.sessions.add(open_session("a", "sid-a", "subject-citizen", NOW))
        work.grants.add(grant(redeemed_at=NOW), code())
        work.logouts.queue(["sid-a"], NOW)
        (logout,) = work.logouts.claim("portal", NOW, NOW + timedelta(seconds=15), 8)
        later = NOW + timedelta(seconds=40)
        work.logouts.again(logout, later)
        assert list(work.logouts.waiting(later - timedelta(seconds=1))) == []
        assert list(work.logouts.waiting(later)) == ["portal"]
        work.logouts.told(logout, later)
        assert (list(work.logouts.waiting(later)), work.logouts.untold()) == ([], 0)

    def test_the_oldest_logout_that_a_party_waits_for_is_known_until_it_is_told(self, work) -> None:
        work.accounts.add(account(), "-")
        later = NOW + timedelta(minutes=1)
        for n, sid in enumerate(("sid-a", "sid-b")):
            work.sessions.add(open_session(sid, sid, "subject-citizen", NOW))
            work.grants.add(grant(f"g-{n}", sid=sid, redeemed_at=NOW), code(f"code-{n}"))
        work.grants.add(grant("g-2", sid="sid-b", client_id="310101", redeemed_at=NOW), code("code-2"))
        assert work.logouts.oldest() == {}
        work.logouts.queue(["sid-a"], NOW)
        work.logouts.queue(["sid-b"], later)
        assert work.logouts.oldest() == {"portal": NOW, "310101": later}
        for logout in work.logouts.claim("portal", later, later, 8)[:1]:
            work.logouts.told(logout, later)
        assert work.logouts.oldest() == {"portal": later, "310101": later}

    def test_logouts_are_forgotten_by_age_and_those_never_told_are_counted(self, work) -> None:
        work.accounts.add(account(), "-")
        work.sessions.add(open_session("a", "sid-a", "subject-citizen", NOW))
        for n, client_id in enumerate(("310101", "portal")):
            work.grants.add(grant(str(n), client_id=client_id, redeemed_at=NOW), code(f"code-{n}"))
        work.logouts.queue(["sid-a"], NOW)
        (logout,) = work.logouts.claim("portal", NOW, NOW, 8)
        work.logouts.told(logout, NOW)
        assert work.logouts.forget(NOW) == 0
        assert work.logouts.forget(NOW + timedelta(seconds=1)) == 1
        assert work.logouts.untold() == 0

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

    def test_a_firm_is_known_once_by_its_code_and_keeps_what_it_was_given(self, work) -> None:
        for login in ("leader", "other"):
            work.accounts.add(account(login, role=Role.CLERK), "-")
        assert work.firms.add(firm())
        assert not work.firms.add(firm(subject="firm-2"))
        assert work.firms.get("firm-1") == work.firms.by_credit_code(CREDIT_CODE) == firm()
        assert (work.firms.get("firm-2"), work.firms.by_credit_code("-")) == (None, None)
        changed = firm().led_by("subject-other", "新名称", Assurance.L5)
        work.firms.save(changed)
        assert work.firms.of_representative("subject-leader") == []
        assert work.firms.of_representative("subject-other") == [changed]

    def test_mandates_are_found_by_handler_and_by_firm_and_stay_when_they_end(self, work) -> None:
        work.accounts.add(account("leader", role=Role.CLERK), "-")
        work.firms.add(firm())
        one = mandate("m-1", item_codes=frozenset({"a", "b"}))
        two = mandate("m-2", handler_number=OTHER_NUMBER, granted_at=NOW + timedelta(hours=1))
        for each in (one, two):
            work.mandates.add(each)
        assert work.mandates.of_handler(ID_NUMBER) == [one]
        assert work.mandates.of_firm("firm-1") == [two, one]
        assert work.mandates.of_handler("110101188001010492") == []
        ended = one.end("subject-leader", NOW + timedelta(days=1))
        work.mandates.save(ended)
        assert work.mandates.get("m-1") == ended
        assert work.mandates.get("m-3") is None

    def test_proofs_are_added_to_and_newest_first(self, work) -> None:
        first = Proof("p-1", "subject-1", Way.TWO_ELEMENTS, "source", "subject-1", NOW)
        second = Proof("p-2", "subject-1", Way.WINDOW, "window", "subject-clerk", NOW + timedelta(hours=1))
        for each in (first, second):
            work.proofs.add(each)
        assert work.proofs.of("subject-1") == [second, first]
        assert work.proofs.of("subject-2") == []

    def test_a_number_that_was_matched_with_a_document_belongs_to_one_account(self, work) -> None:
        for login in ("one", "two"):
            work.accounts.add(account(login, acr=Assurance.L2), "-")
            assert work.accounts.save_proven(account(login, acr=Assurance.L3)), "known with its name, by anybody"
        assert work.accounts.save_proven(account("one", acr=Assurance.L4))
        assert not work.accounts.save_proven(account("two", acr=Assurance.L5))
        assert work.accounts.get("subject-two").acr is Assurance.L3

    def test_a_session_notes_for_whom_the_person_acts(self, work) -> None:
        work.accounts.add(account(), "-")
        session = open_session("a", "sid-a", "subject-citizen", NOW)
        work.sessions.add(session)
        work.sessions.act_for(session.key, "firm-1")
        assert work.sessions.get(session.key).acting_for == "firm-1"
        work.sessions.act_for(session.key, "")
        assert work.sessions.get(session.key) == session

    def test_an_attempt_comes_back_once_and_to_its_browser_alone(self, work) -> None:
        attempt = Attempt("state", "browser", GUSU, "n", "v", silent=True, anew=False, pending="sealed", begun_at=NOW)
        work.switches.begin(attempt)
        assert work.switches.take("state", "another browser") is None
        assert work.switches.take("another state", "browser") is None
        assert work.switches.take("state", "browser") == attempt
        assert work.switches.take("state", "browser") is None

    def test_old_attempts_are_forgotten(self, work) -> None:
        work.switches.begin(Attempt("s", "b", GUSU, "n", "v", silent=True, anew=False, pending="", begun_at=NOW))
        assert (work.switches.forget(NOW), work.switches.forget(NOW + timedelta(seconds=1))) == (0, 1)

    def _foreign(self, work, *names: str, home: str = GUSU) -> list[ForeignSession]:
        made = []
        for name in names:
            subject = f"{home}:person"
            work.foreign_accounts.keep(subject, Person("王小明", ID_NUMBER, "", ""), Assurance.L3, NOW)
            work.sessions.add(open_session(name, f"sid-{name}", subject, NOW))
            made.append(
                ForeignSession(f"sid-{name}", home, f"home-{name}", subject, Assurance.L3, f"refresh {name}", NOW)
            )
            work.foreign_sessions.put(made[-1], NOW + timedelta(minutes=3))
        return made

    def test_a_person_of_another_district_comes_back_as_home_said_last(self, work) -> None:
        self._foreign(work, "a")
        subject = f"{GUSU}:person"
        for find in (work.accounts.get, work.accounts.get_for_change, work.foreign_accounts.get):
            found = find(subject)
            assert (found.subject, found.person.name, found.person.id_number) == (subject, "王小明", ID_NUMBER)
            assert (found.roles, found.acr, found.enabled) == ({Role.CITIZEN}, Assurance.L3, True)
        work.foreign_accounts.keep(subject, Person("王大明", ID_NUMBER, "", ""), Assurance.L4, NOW)
        assert (work.accounts.get(subject).person.name, work.accounts.get(subject).acr) == ("王大明", Assurance.L4)
        assert work.accounts.get(f"{GUSU}:nobody") is None

    def test_what_a_session_stands_on_is_found_by_its_name_here_and_at_home(self, work) -> None:
        a, b = self._foreign(work, "a", "b")
        (c,) = self._foreign(work, "c", home=HUANGPU)
        assert (work.foreign_sessions.get("sid-a"), work.foreign_sessions.get("sid-c")) == (a, c)
        assert work.foreign_sessions.of_home(GUSU, "home-b") == [b.sid]
        assert work.foreign_sessions.of_home(HUANGPU, "home-b") == []
        assert work.foreign_sessions.elsewhere_than([HUANGPU]) == ["sid-a", "sid-b"]
        assert work.foreign_sessions.elsewhere_than([]) == ["sid-a", "sid-b", "sid-c"]
        work.foreign_sessions.drop("sid-a")
        assert work.foreign_sessions.get("sid-a") is None

    def test_homes_are_asked_about_open_sessions_whose_time_has_come_by_one_at_a_time(self, work) -> None:
        a, _ = self._foreign(work, "a", "b")
        due = NOW + timedelta(minutes=3)
        assert work.foreign_sessions.claim(GUSU, due - timedelta(seconds=1), due, 5) == []
        work.sessions.end("sid-b", NOW)
        assert work.foreign_sessions.claim(GUSU, due, due + timedelta(seconds=12), 5) == [a]
        assert work.foreign_sessions.claim(GUSU, due, due + timedelta(seconds=12), 5) == []
        work.foreign_sessions.check_again("sid-a", due + timedelta(seconds=1))
        assert work.foreign_sessions.claim(GUSU, due + timedelta(seconds=1), due + timedelta(hours=1), 5) == [a]

    def test_each_home_is_asked_by_itself(self, work) -> None:
        (a,), (b,) = self._foreign(work, "a"), self._foreign(work, "b", home=HUANGPU)
        due = NOW + timedelta(minutes=3)
        assert work.foreign_sessions.due(due - timedelta(seconds=1)) == []
        assert work.foreign_sessions.due(due) == [HUANGPU, GUSU]
        assert work.foreign_sessions.claim(GUSU, due, due + timedelta(seconds=12), 5) == [a]
        assert work.foreign_sessions.due(due) == [HUANGPU]
        work.sessions.end(b.sid, NOW)
        assert work.foreign_sessions.due(due) == []

    def test_open_sessions_that_no_home_confirmed_since_a_moment_are_found_a_few_at_a_time(self, work) -> None:
        a, b, c = self._foreign(work, "a", "b", "c")
        work.foreign_sessions.put(replace(b, confirmed_at=NOW + timedelta(seconds=1)), NOW)
        work.sessions.end(c.sid, NOW)
        assert work.foreign_sessions.unconfirmed_since(NOW - timedelta(seconds=1), NOW, 5) == []
        assert work.foreign_sessions.unconfirmed_since(NOW, NOW, 5) == [a.sid]
        assert work.foreign_sessions.unconfirmed_since(NOW + timedelta(seconds=1), NOW, 5) == [a.sid, b.sid]
        assert work.foreign_sessions.unconfirmed_since(NOW + timedelta(seconds=1), NOW, 1) == [a.sid]

    def test_home_is_queued_beside_the_parties_when_a_session_ends(self, work) -> None:
        self._foreign(work, "a")
        assert work.logouts.queue(["sid-a"], NOW) == 1
        assert work.logouts.queue(["sid-a"], NOW) == 0
        (logout,) = work.logouts.claim(GUSU, NOW, NOW + timedelta(seconds=15), 5)
        assert (logout.client_id, logout.sid, logout.subject) == (GUSU, "home-a", f"{GUSU}:person")

    def test_the_newest_word_about_a_person_s_firms_counts_until_its_time(self, work) -> None:
        self._foreign(work, "a")
        subject, minute = f"{GUSU}:person", timedelta(minutes=1)
        one, two = (
            Standing(
                replace(firm(), subject=f"{GUSU}:{name}", representative="", registered_at=NOW),
                frozenset({"i-1", "i-2"}),
            )
            for name in ("firm-1", "firm-2")
        )
        assert work.foreign_firms.of(subject, NOW) == []
        work.foreign_firms.keep(subject, Word((one, two), NOW, NOW + minute))
        assert work.foreign_firms.of(subject, NOW) == [one, two]
        work.foreign_firms.keep(subject, Word((), NOW - minute, NOW + 9 * minute))
        assert work.foreign_firms.of(subject, NOW) == [one, two], "asked for sooner, and late"
        assert work.foreign_firms.of(subject, NOW + minute) == []
        work.foreign_firms.keep(subject, Word((), NOW + minute, NOW + 2 * minute))
        assert work.foreign_firms.of(subject, NOW + minute) == []
        assert work.foreign_firms.of(f"{GUSU}:another", NOW) == []
        assert work.foreign_firms.forget(NOW + 2 * minute) == 0
        assert work.foreign_firms.forget(NOW + 3 * minute) == 1

    def test_old_lines_about_people_of_other_districts_are_forgotten(self, work) -> None:
        (a,) = self._foreign(work, "a")
        work.federation_log.note("signed_in", a, "L3", NOW)
        assert (work.federation_log.forget(NOW), work.federation_log.forget(NOW + timedelta(seconds=1))) == (0, 1)
