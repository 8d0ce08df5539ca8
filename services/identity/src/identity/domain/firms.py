"""Firms (法人) and who acts for them (经办人): a firm signs nobody in; persons act for it, by law or by a mandate.

The legal representative acts for the firm in everything. A mandate lets another person do so for a time, in every item or in
those that it names. It names that person by name and ID number, as a letter of authority does: whoever proves to be that
person has it, and giving one shows nothing about who has an account.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone

from identity.domain.errors import InvalidField, NoMandate, NotProven, NotRepresentative
from identity.domain.model import Account, AccountKind, Assurance

#: Asia/Shanghai has had one offset since 1991; containers may lack the time zone database.
SHANGHAI = timezone(timedelta(hours=8))
#: Nobody acts for a firm who was not matched with their document: a number and a name are known to many.
LEAST = Assurance.L4
LONGEST_MANDATE = timedelta(days=5 * 366)
MOST_ITEMS, LONGEST_ITEM, LONGEST_FIRM_NAME = 50, 64, 128


@dataclass(frozen=True)
class Firm:
    """A firm known by its unified social credit code (GB 32100). Name and code are public; `subject` says nothing."""

    subject: str
    name: str
    credit_code: str
    #: Subject of the legal representative (法定代表人).
    representative: str
    acr: Assurance
    registered_at: datetime
    version: int = 1
    enabled: bool = True
    #: Made from samples.yaml, for trying things out.
    sample: bool = False

    def led_by(self, representative: str, name: str, acr: Assurance) -> Firm:
        """As the register of firms says now; the same again changes nothing."""
        now = replace(self, representative=representative, name=name, acr=max(acr, self.acr))
        return self if now == self else replace(now, version=self.version + 1)

    def shut_out(self) -> Firm:
        return replace(self, enabled=False, version=self.version + 1)


@dataclass(frozen=True)
class Mandate:
    """Somebody may act for a firm, from `starts_at` until before `ends_at`."""

    id: str
    firm: str
    handler_name: str = field(repr=False)
    handler_number: str = field(repr=False)
    starts_at: datetime
    ends_at: datetime
    #: Codes of the items that it is limited to; none: all.
    item_codes: frozenset[str]
    granted_by: str
    granted_at: datetime
    ended_by: str = ""
    ended_at: datetime | None = None

    def in_force(self, now: datetime) -> bool:
        return self.ended_at is None and self.starts_at <= now < self.ends_at

    def end(self, by: str, now: datetime) -> Mandate:
        """Over at once; over already stays as it was."""
        return self if self.ended_at else replace(self, ended_by=by, ended_at=now)


@dataclass(frozen=True)
class Standing:
    """How far somebody may act for a firm now."""

    firm: Firm
    #: Codes of the only items; none: all.
    item_codes: frozenset[str] = frozenset()


def check_proven(account: Account) -> None:
    """Raises NotProven unless the account is a person's whose document was matched."""
    if account.kind is not AccountKind.PERSON or account.acr < LEAST:
        raise NotProven


def standing(firm: Firm | None, mandates: Iterable[Mandate], handler: Account | None, now: datetime) -> Standing:
    """How far `handler` may act for `firm`, by law or by those `mandates`. Raises NoMandate."""
    if firm is None or not firm.enabled or handler is None or not handler.enabled:
        raise NoMandate
    if handler.kind is not AccountKind.PERSON or handler.acr < LEAST:
        raise NoMandate
    if firm.representative == handler.subject:
        return Standing(firm)
    number = handler.person.id_number
    held = [m for m in mandates if m.firm == firm.subject and m.handler_number == number and m.in_force(now)]
    if not number or not held:
        raise NoMandate
    if any(not mandate.item_codes for mandate in held):
        return Standing(firm)
    return Standing(firm, frozenset().union(*(mandate.item_codes for mandate in held)))


def check_represents(firm: Firm | None, account: Account) -> Firm:
    """The firm, if the account is its legal representative's. Raises NotRepresentative, also where there is none."""
    if firm is None or not firm.enabled or firm.representative != account.subject:
        raise NotRepresentative
    return firm


def term(first: str, last: str, now: datetime) -> tuple[datetime, datetime]:
    """The days from `first` to `last`, both among them, as written by ISO 8601; in Asia/Shanghai. Raises InvalidField."""
    today = now.astimezone(SHANGHAI).date()
    begins, ends = _day("starts_on", first), _day("ends_on", last)
    if not begins <= ends or ends < today or ends - begins > LONGEST_MANDATE:
        raise InvalidField(
            "ends_on",
            "must be today or later, after the first day, and within five years of it",
            "终止日期须不早于今天和起始日期，且不超过五年",
        )
    return _midnight(begins), _midnight(ends + timedelta(days=1))


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidField(name, "must be a day, as 2026-12-31", "日期格式应为 2026-12-31") from None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)


def item_codes(text: str) -> frozenset[str]:
    """The codes in `text`, between spaces or commas; none: all items. Raises InvalidField."""
    found: Sequence[str] = text.replace(",", " ").replace("，", " ").split()
    if len(found) > MOST_ITEMS or any(len(code) > LONGEST_ITEM or not code.isprintable() for code in found):
        raise InvalidField(
            "item_codes", f"must be at most {MOST_ITEMS} codes of items", f"事项编码最多 {MOST_ITEMS} 个"
        )
    return frozenset(found)


def check_firm_name(name: str) -> str:
    name = " ".join(name.split())
    if not 2 <= len(name) <= LONGEST_FIRM_NAME or not name.isprintable():
        raise InvalidField("name", "must be the firm's name as it is registered", "请填写营业执照上的名称")
    return name
