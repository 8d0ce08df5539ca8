"""For whom somebody may act, and whom they choose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from identity.domain.errors import NoMandate
from identity.domain.firms import Standing, standing
from identity.domain.model import Account, Session
from identity.usecases.ports import Work


def firms_of(work: Work, account: Account, *, now: datetime) -> Sequence[Standing]:
    """Every firm that the person may act for now, by name."""
    mandates = work.mandates.of_handler(account.person.id_number) if account.person.id_number else ()
    firms = {firm.subject: firm for firm in work.firms.of_representative(account.subject)}
    for mandate in mandates:
        if mandate.firm not in firms and (firm := work.firms.get(mandate.firm)):
            firms[firm.subject] = firm
    found = []
    for firm in firms.values():
        try:
            found.append(standing(firm, mandates, account, now))
        except NoMandate:
            continue
    return sorted(found, key=lambda each: each.firm.name)


def standing_of(work: Work, firm: str, handler: str, *, now: datetime) -> tuple[Standing, Account]:
    """How far the person `handler` may act for `firm` now, and their account. Raises NoMandate."""
    account = work.accounts.get(handler)
    if account is None:
        raise NoMandate
    return _held(work, firm, account, now), account


def choose(work: Work, session: Session, account: Account, firm: str, *, now: datetime) -> None:
    """From now on the session's tokens say that the person acts for `firm`; "": for themself. Raises NoMandate."""
    if firm:
        _held(work, firm, account, now)  # as strongly proven as in this session
    work.sessions.act_for(session.key, firm)


def _held(work: Work, firm: str, account: Account, now: datetime) -> Standing:
    number = account.person.id_number
    mandates = work.mandates.of_handler(number) if number else ()
    return standing(work.firms.get(firm), mandates, account, now)
