"""Codes, refresh tokens and sessions of relying parties, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from identity.domain.errors import SessionNotFound
from identity.domain.grants import REFRESH_GRACE, Refresh, is_fresh_enough, judge_refresh
from identity.domain.logouts import Logout, next_try
from identity.domain.policies import open_session, secret_key
from identity.usecases.begin_session import begin_session
from identity.usecases.disable_account import disable_account
from identity.usecases.end_session import end_own_session, end_session
from identity.usecases.list_sessions import list_sessions
from identity.usecases.redeem_code import find_code, redeem_code
from identity.usecases.rotate_refresh import rotate_refresh

from ..factories import NOW, account, code, grant
from ..fakes import FakeWork

SUBJECT = account().subject
SECOND = timedelta(seconds=1)


@pytest.fixture
def work() -> FakeWork:
    """A citizen who is signed in, and a code that the portal has not redeemed."""
    work = FakeWork()
    work.accounts.add(account(), "a hash")
    begin_session(work, SUBJECT, cookie="a", sid="sid-a", replaces="", now=NOW)
    work.grants.add(grant(), code(secret_key("the code")))
    return work


def redeem(work, now=NOW, text="the code", client_id="portal"):
    found = find_code(work, text, client_id, now=now)
    return redeem_code(work, found[0], now=now, silence=timedelta(minutes=15)) if found else None


def test_a_code_is_redeemed_once_and_a_second_time_ends_what_it_gave(work) -> None:
    given, who = redeem(work)
    assert (given.redeemed_at, who) == (NOW, account())
    assert redeem(work) is None
    assert work.grants.get("grant-1").ended_at == NOW


@pytest.mark.parametrize(
    ("text", "client_id", "after"), [("x", "portal", 0), ("the code", "shop", 0), ("the code", "portal", 60)]
)
def test_nobody_else_no_other_code_and_nobody_late_redeems_it(work, text, client_id, after) -> None:
    assert redeem(work, NOW + after * SECOND, text, client_id) is None
    assert work.grants.get("grant-1").ended_at is None
    if not after:
        assert redeem(work) is not None


def test_a_code_of_a_session_that_ended_gives_nothing(work) -> None:
    end_session(work, "a", now=NOW)
    assert redeem(work) is None


@pytest.mark.parametrize(
    ("generation", "after", "meaning"),
    [
        (3, 0, Refresh.NEXT),
        (3, 9999, Refresh.NEXT),
        (2, 0, Refresh.AGAIN),
        (2, REFRESH_GRACE.total_seconds() - 1, Refresh.AGAIN),
        (2, REFRESH_GRACE.total_seconds(), Refresh.REUSED),
        (1, 0, Refresh.REUSED),
        (4, 0, Refresh.REUSED),
    ],
)
def test_a_refresh_token_is_the_newest_the_one_before_or_a_copy(generation, after, meaning) -> None:
    rotated = replace(grant(), generation=3, rotated_at=NOW)
    assert judge_refresh(rotated, generation, NOW + after * SECOND) is meaning


def test_a_copy_ends_the_grant_and_another_client_s_try_changes_nothing(work) -> None:
    given, _ = redeem(work)
    work.grants.add_refresh(secret_key("first"), given, NOW)
    assert rotate_refresh(work, "first", "shop", now=NOW) is None
    assert rotate_refresh(work, "none", "portal", now=NOW) is None
    assert work.grants.get(given.id).ended_at is None
    work.grants.save(given.rotated(NOW).rotated(NOW))
    assert rotate_refresh(work, "first", "portal", now=NOW) is None
    assert work.grants.get(given.id).ended_at == NOW
    assert rotate_refresh(work, "first", "portal", now=NOW) is None


@pytest.mark.parametrize(
    ("signed_in", "login", "max_age", "enough"),
    [
        (0, False, None, True),
        (0, True, None, False),
        (0, False, 100, True),
        (0, False, 99, False),
        (0, False, 0, False),
        (100, True, None, True),  # since the request came
        (100, False, 0, True),
    ],
)
def test_a_sign_in_answers_a_request_that_it_is_fresh_enough_for(signed_in, login, max_age, enough) -> None:
    session = open_session("a", "sid-a", SUBJECT, NOW + signed_in * SECOND)
    asked, now = NOW + 50 * SECOND, NOW + 100 * SECOND
    assert is_fresh_enough(session, now, asked_at=asked, login=login, max_age=max_age) is enough


@pytest.mark.parametrize(
    "end",
    [
        lambda work: end_session(work, "a", now=NOW),
        lambda work: end_own_session(work, SUBJECT, "sid-a", now=NOW),
        lambda work: disable_account(work, SUBJECT, "-", by="operator", now=NOW),
        lambda work: begin_session(work, "subject-other", cookie="b", sid="sid-b", replaces="a", now=NOW),
    ],
    ids=["signed out", "ended from a list", "shut out", "somebody else signed in"],
)
def test_ending_a_session_however_it_ends_queues_each_of_its_parties_once(work, end) -> None:
    work.accounts.add(account("other"), "-")
    redeem(work)
    work.grants.add(grant("again", redeemed_at=NOW), code("again"))
    end(work)
    end_session(work, "a", now=NOW)
    assert [(row.client_id, row.sid) for row in work.logouts.claim("portal", NOW, NOW, 8)] == [("portal", "sid-a")]
    assert work.logouts.untold() == 1


def test_ending_a_session_that_nobody_was_told_of_queues_nobody(work) -> None:
    end_session(work, "a", now=NOW)
    assert work.logouts.untold() == 0


def test_whoever_signs_in_again_keeps_the_session_and_nobody_is_told_that_it_ended(work) -> None:
    redeem(work)
    later = NOW + 60 * SECOND
    begin_session(work, SUBJECT, cookie="b", sid="sid-b", replaces="a", now=later)
    assert work.sessions.get(secret_key("a")) is None
    renewed = work.sessions.get(secret_key("b"))
    assert (renewed.sid, renewed.signed_in_at) == ("sid-a", later)
    assert work.logouts.untold() == 0


def test_my_sessions_are_those_that_are_open_with_their_parties(work) -> None:
    redeem(work)
    begin_session(work, SUBJECT, cookie="b", sid="sid-b", replaces="", now=NOW + SECOND)
    listed = list_sessions(work, SUBJECT, now=NOW + SECOND)
    assert [(session.sid, list(parties)) for session, parties in listed] == [("sid-b", []), ("sid-a", ["portal"])]
    end_own_session(work, SUBJECT, "sid-b", now=NOW + SECOND)
    assert [session.sid for session, _ in list_sessions(work, SUBJECT, now=NOW + SECOND)] == ["sid-a"]
    assert list_sessions(work, SUBJECT, now=NOW + timedelta(hours=8)) == []


@pytest.mark.parametrize(("subject", "sid"), [(SUBJECT, "sid-none"), ("subject-other", "sid-a")])
def test_nobody_ends_a_session_that_is_not_theirs_or_not_there(work, subject, sid) -> None:
    with pytest.raises(SessionNotFound):
        end_own_session(work, subject, sid, now=NOW)
    assert work.sessions.by_sid("sid-a").is_open(NOW)


def test_a_party_that_cannot_be_told_is_told_later_and_never_rarer_than_every_ten_seconds() -> None:
    waits = [
        (next_try(Logout("portal", "s", "-", NOW, tries), NOW) - NOW).total_seconds() for tries in (1, 2, 3, 4, 5, 500)
    ]
    assert waits == [1, 2, 5, 10, 10, 10]
