"""What a session of another district's person stands on, and what ends it; without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from identity.adapters.registry_copy import kept_copy
from identity.domain.errors import AccountNotFound, NoMandate, NotSignedIn
from identity.domain.federation import Attempt, HomeAnswer, LogoutNotice, may_be_known_elsewhere
from identity.domain.firms import Standing
from identity.domain.model import Assurance, Person, Role
from identity.domain.vouching import ACTING_CONFIRM, Word
from identity.usecases.act_for import choose, firms_of, standing_of
from identity.usecases.begin_session import begin_session
from identity.usecases.confirm_session import Confirmation, end_unconfirmed, keep_confirmed
from identity.usecases.disable_account import disable_account
from identity.usecases.end_foreign_session import hear_of_logout
from identity.usecases.end_session import end_session
from identity.usecases.find_session import find_session
from identity.usecases.get_account import get_account
from identity.usecases.keep_registry import keep_registry
from identity.usecases.redeem_code import account_of, redeem_code
from identity.usecases.sign_in_from_home import Browser, FromHome, sign_in_from_home

from ..factories import GUSU, HUANGPU, ID_NUMBER, NOW, a_member, a_registry, account, firm, grant
from ..fakes import FakeWork

LATER = NOW + timedelta(minutes=3)
SILENCE = timedelta(minutes=15)
SUBJECT = f"{GUSU}:pairwise-1"
ANSWER = HomeAnswer("pairwise-1", Assurance.L4, NOW - timedelta(hours=1), "sid-at-home")
PERSON = Person("王小明", ID_NUMBER, "", "")
#: As Gusu vouches for it.
A_FIRM = Standing(firm(subject=f"{GUSU}:firm-1", representative=""), frozenset({"item-1"}))


def told(**changes) -> FromHome:
    attempt = Attempt("state", "browser", GUSU, "n", "v", silent=True, anew=False, pending="", begun_at=NOW)
    return FromHome(attempt, replace(ANSWER, **changes), PERSON, "refresh-1", word())


def word(*firms: Standing, asked_at=NOW) -> Word:
    """What the home says of the person's firms; it counts for a quarter of an hour."""
    return Word(firms, asked_at, asked_at + timedelta(minutes=15))


def arrive(work: FakeWork, cookie: str = "cookie", *, limit: Assurance = Assurance.L5, replaces: str = "", **changes):
    browser = Browser(cookie, f"sid-{cookie}", replaces)
    return sign_in_from_home(work, told(**changes), browser, limit=limit, now=NOW, every=LATER - NOW)


@pytest.fixture
def work() -> FakeWork:
    work = FakeWork()
    work.accounts.add(account(), "-")
    return work


def is_open(work: FakeWork, cookie: str = "cookie", *, now=NOW) -> bool:
    try:
        find_session(work, cookie, now=now, silence=SILENCE)
    except NotSignedIn:
        return False
    return True


def queued(work: FakeWork) -> list[tuple[str, str]]:
    return sorted(work.logouts._rows)


def test_a_person_of_another_district_is_a_citizen_here_as_strongly_proven_as_home_says(work) -> None:
    arrive(work)
    session, found = find_session(work, "cookie", now=NOW, silence=SILENCE)
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
    found = [find_session(work, cookie, now=NOW, silence=SILENCE)[1].acr for cookie in ("weak", "limited", "strong")]
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


def confirm(work: FakeWork, firms: Word | None = None, **changes) -> bool:
    (session,) = work.foreign_sessions.claim(GUSU, LATER, LATER + timedelta(seconds=12), 5)
    told = Confirmation(replace(ANSWER, **changes), "refresh-2", firms)
    return keep_confirmed(work, session, told, now=LATER, every=timedelta(minutes=3), silence=SILENCE)


def test_a_confirmed_session_goes_on_with_the_next_refresh_token(work) -> None:
    arrive(work)
    assert confirm(work)
    kept = work.foreign_sessions.get("sid-cookie")
    assert (kept.refresh_token, kept.confirmed_at) == ("refresh-2", LATER)
    assert work.foreign_sessions.claim(GUSU, LATER, LATER, 5) == [], "not asked again before its time"


def test_a_later_word_raises_nothing(work) -> None:
    arrive(work)
    assert confirm(work, acr=Assurance.L5)
    assert find_session(work, "cookie", now=NOW, silence=SILENCE)[1].acr == Assurance.L4


@pytest.mark.parametrize("change", [{"acr": Assurance.L3}, {"subject": "another"}, {"sid": "another"}])
def test_a_home_that_says_something_else_ends_the_session(work, change) -> None:
    arrive(work)
    assert not confirm(work, **change)
    assert not is_open(work)


def test_a_confirmation_that_comes_after_the_end_opens_nothing(work) -> None:
    arrive(work)
    (session,) = work.foreign_sessions.claim(GUSU, LATER, LATER + timedelta(seconds=12), 5)
    hear_of_logout(work, GUSU, notice("sid-at-home"), now=LATER)
    told = Confirmation(ANSWER, "refresh-2", word(A_FIRM))
    keep_confirmed(work, session, told, now=LATER, every=timedelta(), silence=SILENCE)
    assert work.foreign_firms.of(SUBJECT, LATER) == []
    assert not is_open(work)


@pytest.mark.parametrize(("late", "stands"), [(timedelta(seconds=-1), True), (timedelta(0), False)])
def test_a_word_that_is_too_old_signs_nobody_in_whether_the_session_was_ended_or_not(work, late, stands) -> None:
    """No loop need have run: its home's last word is held against the clock wherever the session is used."""
    arrive(work)
    now, given = NOW + SILENCE + late, grant(sid="sid-cookie", subject=SUBJECT)
    assert is_open(work, now=now) == stands
    assert (account_of(work, given, now=now, silence=SILENCE) is not None) == stands
    assert (redeem_code(work, given, now=now, silence=SILENCE) is not None) == stands


def test_our_own_people_s_sessions_stand_on_no_word(work) -> None:
    begin_session(work, account().subject, cookie="own", sid="sid-own", replaces="", now=NOW)
    assert is_open(work, "own", now=NOW + 2 * SILENCE)
    assert account_of(work, grant(sid="sid-own"), now=NOW + 2 * SILENCE, silence=SILENCE) is not None


def test_silence_ends_a_session_after_its_time_and_no_sooner(work) -> None:
    arrive(work)

    def ends(at) -> int:
        return end_unconfirmed(work, now=at, silence=SILENCE, most=5)

    assert ends(NOW + SILENCE - timedelta(seconds=1)) == 0
    assert is_open(work)
    assert (ends(NOW + SILENCE), ends(NOW + SILENCE)) == (1, 0)
    assert (is_open(work), queued(work)) == (False, []), "the person stays signed in at home"
    assert work.federation_log.lines[-1][4] == "home_silent"


def test_a_word_that_comes_too_late_revives_nothing(work) -> None:
    arrive(work)
    (session,) = work.foreign_sessions.claim(GUSU, LATER, LATER, 5)
    told, late = Confirmation(ANSWER, "refresh-2", word(A_FIRM)), NOW + SILENCE
    assert not keep_confirmed(work, session, told, now=late, every=timedelta(minutes=3), silence=SILENCE)
    assert not is_open(work, now=NOW)
    assert work.foreign_firms.of(SUBJECT, NOW) == []


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


@pytest.fixture
def acting(work) -> FakeWork:
    """The person arrived, with a firm that their home vouches for, and chose to act for it."""
    arrive(work)
    confirm(work, word(A_FIRM, asked_at=LATER))
    choose(work, *find_session(work, "cookie", now=LATER, silence=SILENCE), A_FIRM.firm.subject, now=LATER)
    return work


def may_act(work: FakeWork, firm: str = A_FIRM.firm.subject, *, who: str = SUBJECT, now=LATER) -> bool:
    try:
        standing_of(work, firm, who, now=now)
    except NoMandate:
        return False
    return True


def test_a_person_of_another_district_acts_for_the_firms_that_their_home_vouches_for(acting) -> None:
    held, by = standing_of(acting, A_FIRM.firm.subject, SUBJECT, now=LATER)
    assert (held, by.person.name) == (A_FIRM, PERSON.name)
    assert acting.sessions.by_sid("sid-cookie").acting_for == A_FIRM.firm.subject
    assert [line[0] for line in acting.federation_log.lines] == ["signed_in", "may_act_for", "acts_for"]
    assert not may_act(acting, who="subject-citizen"), "nobody of ours, whatever a home says"
    assert not may_act(acting, f"{GUSU}:firm-2")
    assert not may_act(acting, f"330102:{A_FIRM.firm.subject.partition(':')[2]}")


def test_a_home_is_asked_at_once_about_whoever_chose_and_then_every_45_seconds(acting) -> None:
    (session,) = acting.foreign_sessions.claim(GUSU, LATER, LATER, 5)
    told = Confirmation(ANSWER, "refresh-3", word(A_FIRM, asked_at=LATER))
    keep_confirmed(acting, session, told, now=LATER, every=timedelta(minutes=3), silence=SILENCE)
    soon = LATER + ACTING_CONFIRM
    assert acting.foreign_sessions.claim(GUSU, soon - timedelta(seconds=1), soon, 5) == []
    assert acting.foreign_sessions.claim(GUSU, soon, soon, 5) != []


def test_a_mandate_that_the_home_does_not_confirm_is_over_in_every_session(acting) -> None:
    arrive(acting, "another")
    confirmed = acting.foreign_sessions.get("sid-another")
    told = Confirmation(ANSWER, "refresh-3", word(asked_at=LATER + timedelta(seconds=1)))
    keep_confirmed(
        acting, confirmed, told, now=LATER + timedelta(seconds=1), every=timedelta(minutes=3), silence=SILENCE
    )
    assert not may_act(acting, now=LATER + timedelta(seconds=1))
    assert firms_of(acting, acting.accounts.get(SUBJECT), now=LATER + timedelta(seconds=1)) == []
    assert acting.federation_log.lines[-1][0] == "acts_no_more_for"
    assert is_open(acting), "the person is still signed in, for themself"


def test_a_word_that_is_not_renewed_runs_out(acting) -> None:
    (session,) = acting.foreign_sessions.claim(GUSU, LATER, LATER, 5)
    told = Confirmation(ANSWER, "refresh-3", None)
    keep_confirmed(acting, session, told, now=LATER, every=timedelta(minutes=3), silence=SILENCE)
    assert may_act(acting, now=LATER + timedelta(minutes=15) - timedelta(seconds=1))
    assert not may_act(acting, now=LATER + timedelta(minutes=15))


@pytest.mark.parametrize("changes", [{}, {"enabled": False}], ids=["known", "shut out"])
def test_no_home_says_who_acts_for_a_firm_that_is_known_here(acting, changes) -> None:
    assert may_act(acting)
    acting.firms.add(firm(**changes))
    assert not may_act(acting)
    assert firms_of(acting, acting.accounts.get(SUBJECT), now=LATER) == []


def test_whoever_is_proven_too_weakly_here_acts_for_no_firm_whatever_their_home_says(work) -> None:
    arrive(work, limit=Assurance.L3)
    confirm(work, word(A_FIRM, asked_at=LATER))
    assert not may_act(work)
    with pytest.raises(NoMandate):
        choose(work, *find_session(work, "cookie", now=LATER, silence=SILENCE), A_FIRM.firm.subject, now=LATER)
