"""What a session of another district's person stands on, and what ends it; without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from identity.adapters.registry_copy import kept_copy
from identity.domain.errors import AccountNotFound, NotSignedIn
from identity.domain.federation import Attempt, HomeAnswer, LogoutNotice, may_be_known_elsewhere
from identity.domain.model import Assurance, Person, Role
from identity.usecases.begin_session import begin_session
from identity.usecases.confirm_session import keep_confirmed, note_silence
from identity.usecases.disable_account import disable_account
from identity.usecases.end_foreign_session import hear_of_logout
from identity.usecases.end_session import end_session
from identity.usecases.find_session import find_session
from identity.usecases.get_account import get_account
from identity.usecases.keep_registry import keep_registry
from identity.usecases.sign_in_from_home import Browser, FromHome, sign_in_from_home

from ..factories import GUSU, HUANGPU, ID_NUMBER, NOW, a_member, a_registry, account, grant
from ..fakes import FakeWork

LATER = NOW + timedelta(minutes=3)
SUBJECT = f"{GUSU}:pairwise-1"
ANSWER = HomeAnswer("pairwise-1", Assurance.L4, NOW - timedelta(hours=1), "sid-at-home")
PERSON = Person("王小明", ID_NUMBER, "", "")


def told(**changes) -> FromHome:
    attempt = Attempt("state", "browser", GUSU, "n", "v", silent=True, anew=False, pending="", begun_at=NOW)
    return FromHome(attempt, replace(ANSWER, **changes), PERSON, "refresh-1")


def arrive(work: FakeWork, cookie: str = "cookie", *, limit: Assurance = Assurance.L5, replaces: str = "", **changes):
    browser = Browser(cookie, f"sid-{cookie}", replaces)
    return sign_in_from_home(work, told(**changes), browser, limit=limit, now=NOW, check_at=LATER)


@pytest.fixture
def work() -> FakeWork:
    work = FakeWork()
    work.accounts.add(account(), "-")
    return work


def is_open(work: FakeWork, cookie: str = "cookie") -> bool:
    try:
        find_session(work, cookie, now=NOW)
    except NotSignedIn:
        return False
    return True


def queued(work: FakeWork) -> list[tuple[str, str]]:
    return sorted(work.logouts._rows)


def test_a_person_of_another_district_is_a_citizen_here_as_strongly_proven_as_home_says(work) -> None:
    arrive(work)
    session, found = find_session(work, "cookie", now=NOW)
    assert (found.subject, found.roles, found.acr) == (SUBJECT, {Role.CITIZEN}, Assurance.L4)
    assert session.signed_in_at == ANSWER.auth_time, "when they proved it, not when they came here"
    assert [line[:5] for line in work.federation_log.lines] == [("signed_in", GUSU, SUBJECT, "sid-cookie", "L4")]


def test_others_may_ask_who_applies_and_get_name_and_number(work) -> None:
    arrive(work)
    found = get_account(work, SUBJECT)
    assert (found.person.name, found.person.id_number) == (PERSON.name, ID_NUMBER)


def test_assurance_is_lowered_to_the_limit_of_this_district_and_belongs_to_one_session(work) -> None:
    arrive(work, "weak", acr=Assurance.L2)
    arrive(work, "limited", limit=Assurance.L3)
    arrive(work, "strong")
    found = [find_session(work, cookie, now=NOW)[1].acr for cookie in ("weak", "limited", "strong")]
    assert found == [Assurance.L2, Assurance.L3, Assurance.L4]


def test_a_session_whose_ground_is_gone_is_none(work) -> None:
    arrive(work)
    work.foreign_sessions.drop("sid-cookie")
    assert not is_open(work)


def test_signing_out_here_tells_home_and_the_parties_here(work) -> None:
    arrive(work)
    work.grants._rows["g"] = grant(id="g", sid="sid-cookie", client_id="portal", redeemed_at=NOW)
    end_session(work, "cookie", now=NOW)
    assert queued(work) == [(GUSU, "sid-at-home"), ("portal", "sid-cookie")]


def test_signing_in_as_somebody_else_ends_it_too_and_signing_in_again_does_not(work) -> None:
    arrive(work)
    arrive(work, "again", replaces="cookie", sid="another-at-home")
    assert (is_open(work), is_open(work, "again"), queued(work)) == (False, True, [])
    begin_session(work, account().subject, cookie="own", sid="sid-own", replaces="again", now=NOW)
    assert (is_open(work, "again"), queued(work)) == (False, [(GUSU, "another-at-home")])


def notice(sid: str, jti: str = "j1") -> LogoutNotice:
    return LogoutNotice(sid, jti, NOW + timedelta(minutes=2))


def test_home_s_word_ends_every_session_that_stands_on_that_one_and_home_is_not_told_back(work) -> None:
    arrive(work, "one")
    arrive(work, "two")
    arrive(work, "other", sid="another-at-home")
    assert hear_of_logout(work, GUSU, notice("sid-at-home"), now=NOW) == 2
    assert [is_open(work, cookie) for cookie in ("one", "two", "other")] == [False, False, True]
    assert queued(work) == []


def test_a_logout_is_heard_once_and_from_no_stranger(work) -> None:
    arrive(work)
    assert hear_of_logout(work, "330102", notice("sid-at-home"), now=NOW) == 0
    assert is_open(work)
    assert hear_of_logout(work, GUSU, notice("sid-at-home"), now=NOW) == 1
    arrive(work, "again")
    assert hear_of_logout(work, GUSU, notice("sid-at-home"), now=NOW) == 0
    assert is_open(work, "again")


def test_a_peer_ends_a_session_of_ours_that_it_has_a_part_in_and_no_other(work) -> None:
    for cookie in ("a", "b"):
        begin_session(work, account().subject, cookie=cookie, sid=f"sid-{cookie}", replaces="", now=NOW)
    work.grants._rows["g"] = grant(id="g", sid="sid-a", client_id=HUANGPU, redeemed_at=NOW)
    assert hear_of_logout(work, HUANGPU, notice("sid-b"), now=NOW) == 0
    assert hear_of_logout(work, "330102", notice("sid-a", "j2"), now=NOW) == 0
    assert hear_of_logout(work, HUANGPU, notice("sid-a", "j3"), now=NOW) == 1
    assert (is_open(work, "a"), is_open(work, "b")) == (False, True)
    assert queued(work) == [(HUANGPU, "sid-a")], "everybody who has a part is told"


def confirm(work: FakeWork, **changes) -> bool:
    (session,) = work.foreign_sessions.claim(LATER, LATER + timedelta(seconds=12), 5)
    answer = replace(ANSWER, **changes)
    return keep_confirmed(work, session, answer, "refresh-2", now=LATER, check_at=LATER + timedelta(minutes=3))


def test_a_confirmed_session_goes_on_with_the_next_refresh_token(work) -> None:
    arrive(work)
    assert confirm(work)
    kept = work.foreign_sessions.get("sid-cookie")
    assert (kept.refresh_token, kept.confirmed_at) == ("refresh-2", LATER)
    assert work.foreign_sessions.claim(LATER, LATER, 5) == [], "not asked again before its time"


def test_a_later_word_raises_nothing(work) -> None:
    arrive(work)
    assert confirm(work, acr=Assurance.L5)
    assert find_session(work, "cookie", now=NOW)[1].acr == Assurance.L4


@pytest.mark.parametrize("change", [{"acr": Assurance.L3}, {"subject": "another"}, {"sid": "another"}])
def test_a_home_that_says_something_else_ends_the_session(work, change) -> None:
    arrive(work)
    assert not confirm(work, **change)
    assert not is_open(work)


def test_a_confirmation_that_comes_after_the_end_opens_nothing(work) -> None:
    arrive(work)
    (session,) = work.foreign_sessions.claim(LATER, LATER + timedelta(seconds=12), 5)
    hear_of_logout(work, GUSU, notice("sid-at-home"), now=LATER)
    keep_confirmed(work, session, ANSWER, "refresh-2", now=LATER, check_at=LATER)
    assert not is_open(work)


def test_silence_ends_a_session_after_its_time_and_no_sooner(work) -> None:
    arrive(work)
    session, silence = work.foreign_sessions.get("sid-cookie"), timedelta(minutes=15)

    def silent(at) -> bool:
        return note_silence(work, session, silence=silence, now=at, again_at=at + timedelta(seconds=15))

    assert not silent(NOW + silence - timedelta(seconds=1))
    assert is_open(work)
    assert silent(NOW + silence)
    assert (is_open(work), queued(work)) == (False, []), "the person stays signed in at home"


def test_a_registry_that_suspends_a_district_signs_its_people_out(work) -> None:
    arrive(work)
    begin_session(work, account().subject, cookie="own", sid="sid-own", replaces="", now=NOW)
    text = a_registry(a_member(HUANGPU), a_member(GUSU), version=1)
    keep_registry(work, HUANGPU, kept_copy(text), text, now=NOW)
    assert is_open(work)
    text = a_registry(a_member(HUANGPU), a_member(GUSU, state="suspended"), version=2)
    keep_registry(work, HUANGPU, kept_copy(text), text, now=NOW)
    assert (is_open(work), is_open(work, "own")) == (False, True)


def test_who_has_no_account_here_is_shut_out_by_their_home(work) -> None:
    arrive(work)
    with pytest.raises(AccountNotFound):
        disable_account(work, SUBJECT, "-", by="operator", now=NOW)
    assert is_open(work)


def test_this_district_vouches_for_its_own_people_alone(work) -> None:
    arrive(work)
    assert may_be_known_elsewhere(account())
    assert not may_be_known_elsewhere(account("clerk", role=Role.CLERK))
    assert not may_be_known_elsewhere(get_account(work, SUBJECT))
