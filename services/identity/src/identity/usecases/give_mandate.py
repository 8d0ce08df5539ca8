"""A firm's legal representative lets somebody act for it, or takes that back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from identity.domain.errors import InvalidField, MandateNotFound
from identity.domain.firms import Mandate, check_represents, item_codes, term
from identity.domain.model import Account
from identity.domain.sign_up import check_name, normal_id_number
from identity.usecases.ports import Work


def give_mandate(
    work: Work,
    firm: str,
    fields: Mapping[str, str],
    is_id_number: Callable[[str], bool],
    by: Account,
    *,
    id: str,
    now: datetime,
) -> Mandate:
    """Raises NotRepresentative, InvalidField."""
    check_represents(work.firms.get(firm), by)
    name, number = check_name(fields.get("handler_name", "")), normal_id_number(fields.get("handler_number", ""))
    if not is_id_number(number):
        raise InvalidField("handler_number", "is not a citizen identity number (GB 11643)", "公民身份号码不正确")
    starts, ends = term(fields.get("starts_on", ""), fields.get("ends_on", ""), now)
    codes = item_codes(fields.get("item_codes", ""))
    mandate = Mandate(id, firm, name, number, starts, ends, codes, by.subject, now)
    work.mandates.add(mandate)
    return mandate


def end_mandate(work: Work, firm: str, id: str, by: Account, *, now: datetime) -> None:
    """Over at once. Raises NotRepresentative, MandateNotFound."""
    check_represents(work.firms.get(firm), by)
    mandate = work.mandates.get(id)
    if mandate is None or mandate.firm != firm:
        raise MandateNotFound
    work.mandates.save(mandate.end(by.subject, now))
