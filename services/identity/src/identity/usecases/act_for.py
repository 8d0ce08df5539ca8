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
    number = account.person.id_number if account else ""
    mandates = work.mandates.of_handler(number) if number else ()
    held = standing(work.firms.get(firm), mandates, account, now)
    assert account is not None
    return held, account


def choose(work: Work, session: Session, account: Account, firm: str, *, now: datetime) -> None:
    """From now on the session's tokens say that the person acts for `firm`; "": for themself. Raises NoMandate."""
    if firm:
        standing_of(work, firm, account.subject, now=now)
    work.sessions.act_for(session.key, firm)
