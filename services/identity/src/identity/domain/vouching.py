"""For which firms a home says that one of its people may act (经办人): its word is short-lived, and about its own firms alone.

A firm of another district is named in that district's space of names, as its people are (infra/adr/0014), whatever the home writes:
so none can speak of our firms or of a third district's. Firms that this district knows itself are no other's to speak of: here its
own register and mandates say who acts for them (infra/adr/0024).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from identity.domain.errors import HomeAnswerRefused, InvalidField
from identity.domain.federation import carried, foreign_subject, is_plain
from identity.domain.firms import LONGEST_ITEM, Firm, Standing, check_firm_name
from identity.domain.model import Assurance

#: Firms that a home tells of one person, and items of one firm; more are not told.
MOST_FIRMS, MOST_ITEMS_TOLD = 50, 200
#: A home is asked this often about somebody who acts for a firm here, so that a mandate which ended has ended within a minute.
ACTING_CONFIRM = timedelta(seconds=45)


@dataclass(frozen=True)
class Word:
    """What a home said of one of its people, asked at `asked_at`; it counts until `until`."""

    firms: Sequence[Standing]
    asked_at: datetime
    until: datetime


def told_of(held: Standing, subject: str) -> dict[str, Any]:
    """One of our firms as a peer hears of it; `subject` is the name that it has there."""
    firm = held.firm
    return {
        "subject": subject,
        "name": firm.name,
        "credit_code": firm.credit_code,
        "acr": firm.acr.value,
        "item_codes": sorted(held.item_codes),
    }


def may_be_told(held: Standing) -> bool:
    """Whether a peer hears of it: a mandate that names more items than fit is for this district alone."""
    return len(held.item_codes) <= MOST_ITEMS_TOLD


def read_firms(
    told: Any, home: str, *, limit: Assurance, is_credit_code: Callable[[str], bool], now: datetime
) -> tuple[Standing, ...]:
    """The claim `firms` of a home's userinfo; None, as peers of the previous release say: there are none. Raises HomeAnswerRefused."""
    if told is None:
        return ()
    _check(isinstance(told, list) and len(told) <= MOST_FIRMS)
    found = tuple(_read(each, home, limit, is_credit_code, now) for each in told)
    _check(len({held.firm.subject for held in found}) == len(found))
    return found


def _read(told: Any, home: str, limit: Assurance, is_credit_code: Callable[[str], bool], now: datetime) -> Standing:
    _check(isinstance(told, Mapping))
    subject, name, code, acr = (told.get(key) for key in ("subject", "name", "credit_code", "acr"))
    items = told.get("item_codes", [])
    _check(all(isinstance(text, str) for text in (subject, name, code, acr)) and isinstance(items, list))
    _check(is_plain(subject) and is_credit_code(code) and acr in set(Assurance))
    _check(len(items) <= MOST_ITEMS_TOLD and all(_is_item(item) for item in items))
    try:
        checked = check_firm_name(name)
    except InvalidField:
        raise HomeAnswerRefused("firms") from None
    firm = Firm(foreign_subject(home, subject), checked, code, "", carried(Assurance(acr), limit), now)
    return Standing(firm, frozenset(items))


def _is_item(item: Any) -> bool:
    return isinstance(item, str) and 0 < len(item) <= LONGEST_ITEM and item.isprintable()


def _check(holds: bool) -> None:
    if not holds:
        raise HomeAnswerRefused("firms")
