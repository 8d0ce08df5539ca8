"""For whom somebody may act, and whom they choose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from identity.domain.errors import NoMandate
from identity.domain.federation import home_of
from identity.domain.firms import LEAST, Standing, standing
from identity.domain.model import Account, Session
from identity.usecases.ports import Work


def firms_of(work: Work, account: Account, *, now: datetime) -> Sequence[Standing]:
    """Every firm that the person may act for now, by name: of this district, and those that their home vouches for."""
    mandates = work.mandates.of_handler(account.person.id_number) if account.person.id_number else ()
    firms = {firm.subject: firm for firm in work.firms.of_representative(account.subject)}
    for mandate in mandates:
        if mandate.firm not in firms and (firm := work.firms.get(mandate.firm)):
            firms[firm.subject] = firm
    found = list(vouched_for(work, account, now=now))
    for firm in firms.values():
        try:
            found.append(standing(firm, mandates, account, now))
        except NoMandate:
            continue
    return sorted(found, key=lambda each: each.firm.name)


def vouched_for(work: Work, account: Account, *, now: datetime) -> Sequence[Standing]:
    """Firms of their home that a person of another district may act for here, as the home said last.

    None for whoever is not proven strongly enough here, whatever the home says; and no firm that is known here, also one that was
    shut out: who acts for it, this district's own register says.
    """
    if not home_of(account.subject) or account.acr < LEAST:
        return ()
    told = work.foreign_firms.of(account.subject, now)
    return [held for held in told if work.firms.by_credit_code(held.firm.credit_code) is None]


def standing_of(work: Work, firm: str, handler: str, *, now: datetime) -> tuple[Standing, Account]:
    """How far the person `handler` may act for `firm` now, and their account. Raises NoMandate."""
    account = work.accounts.get(handler)
    if account is None:
        raise NoMandate
    return _held(work, firm, account, now), account


def choose(work: Work, session: Session, account: Account, firm: str, *, now: datetime) -> None:
    """From now on the session's tokens say that the person acts for `firm`; "": for themself. Raises NoMandate.

    Whoever comes from another district acts for a firm of theirs on their home's word: that is asked for anew at once.
    """
    if firm:
        _held(work, firm, account, now)  # as strongly proven as in this session
    work.sessions.act_for(session.key, firm)
    stands_on = work.foreign_sessions.get(session.sid) if home_of(account.subject) else None
    if stands_on is not None:
        work.federation_log.note("acts_for", stands_on, firm, now)
        work.foreign_sessions.check_again(session.sid, now)


def firm_name(work: Work, account: Account, firm: str, *, now: datetime) -> str:
    """What the firm is called; "" where the person may not act for it any more, which is told when they do."""
    try:
        return _held(work, firm, account, now).firm.name
    except NoMandate:
        return ""


def _held(work: Work, firm: str, account: Account, now: datetime) -> Standing:
    if home_of(firm):
        for held in vouched_for(work, account, now=now):
            if held.firm.subject == firm:
                return held
        raise NoMandate
    number = account.person.id_number
    mandates = work.mandates.of_handler(number) if number else ()
    return standing(work.firms.get(firm), mandates, account, now)
