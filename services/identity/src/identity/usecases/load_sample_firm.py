"""Load one sample firm with who acts for it; again changes nothing but a mandate that has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from identity.domain.errors import InvalidSample
from identity.domain.firms import LEAST, LONGEST_MANDATE, Firm, Mandate
from identity.domain.model import Account
from identity.usecases.ports import Work


@dataclass(frozen=True)
class SampleFirm:
    """A firm by its code, and the logins of sample accounts: of its legal representative, and of those with a mandate."""

    name: str
    credit_code: str
    representative: str
    handlers: tuple[str, ...]


def load_sample_firm(
    work: Work, sample: SampleFirm, is_credit_code: Callable[[str], bool], *, new_id: Callable[[], str], now: datetime
) -> None:
    """Raises InvalidSample, also where the code belongs to a firm that is no sample."""
    if not is_credit_code(sample.credit_code):
        raise InvalidSample(sample.name, "its code is not one by GB 32100")
    leader = _person(work, sample, sample.representative)
    firm = work.firms.by_credit_code(sample.credit_code)
    if firm is None:
        firm = Firm(new_id(), sample.name, sample.credit_code, leader.subject, LEAST, now, sample=True)
        work.firms.add(firm)
    elif not firm.sample:
        raise InvalidSample(sample.name, "its code belongs to a firm that is no sample")
    elif (kept := firm.led_by(leader.subject, sample.name, LEAST)) is not firm:
        work.firms.save(kept)
    for login in sample.handlers:
        person = _person(work, sample, login).person
        held = work.mandates.of_handler(person.id_number)
        if not any(mandate.firm == firm.subject and mandate.in_force(now) for mandate in held):
            ends, by = now + LONGEST_MANDATE, leader.subject
            work.mandates.add(
                Mandate(new_id(), firm.subject, person.name, person.id_number, now, ends, frozenset(), by, now)
            )


def _person(work: Work, sample: SampleFirm, login: str) -> Account:
    account = work.accounts.by_login(login)
    if account is None or not account.sample or account.acr < LEAST:
        raise InvalidSample(sample.name, f"{login!r} is no sample account of {LEAST.value} or more")
    return account
