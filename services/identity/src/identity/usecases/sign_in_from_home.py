"""Sign somebody in whom their home district knows: with a session, rights and an audit line of this district's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from identity.domain.federation import Attempt, ForeignSession, HomeAnswer, carried, foreign_subject, proven_at
from identity.domain.model import Account, Assurance, Person
from identity.domain.policies import secret_key
from identity.domain.vouching import Word
from identity.usecases.begin_session import begin_session
from identity.usecases.hear_of_firms import check_at, hear_of_firms
from identity.usecases.ports import Work


@dataclass(frozen=True)
class FromHome:
    """What a home answered, its signatures and claims checked."""

    attempt: Attempt
    answer: HomeAnswer
    person: Person
    refresh_token: str = field(repr=False)
    firms: Word


@dataclass(frozen=True)
class Browser:
    """Whose session it becomes: the fresh cookie, a name for the session, and the cookie it came with."""

    cookie: str = field(repr=False)
    sid: str
    replaces: str = field(repr=False)


def sign_in_from_home(
    work: Work, told: FromHome, browser: Browser, *, limit: Assurance, now: datetime, every: timedelta
) -> Account:
    """The person as this district knows them from now on: a citizen, proven as strongly as their home says and no more.

    `every`: how often the home is asked whether its session stands.
    """
    answer, home = told.answer, told.attempt.home
    subject, acr = foreign_subject(home, answer.subject), carried(answer.acr, limit)
    work.foreign_accounts.keep(subject, told.person, acr, now)
    account = begin_session(
        work,
        subject,
        cookie=browser.cookie,
        sid=browser.sid,
        replaces=browser.replaces,
        now=now,
        proven_at=proven_at(answer, told.attempt, now),
    )
    session = work.sessions.get(secret_key(browser.cookie))
    assert session is not None
    stands_on = ForeignSession(session.sid, home, answer.sid, subject, acr, told.refresh_token, confirmed_at=now)
    work.foreign_sessions.put(stands_on, check_at(work, session.sid, every, now=now))
    work.federation_log.note("signed_in", stands_on, acr.value, now)
    hear_of_firms(work, stands_on, told.firms, now=now)
    return account
