"""Agreements between two districts: what either may open with the other, under which version, and from when to when.

Only a message that opens something new is held against the agreement in force. Whatever is open follows the version
that it was opened under until it is done. Receipts and refusals are never held against one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from courier.domain.canonical import parse_time, time_text
from courier.domain.errors import Deferred, Malformed, Rejected

FORMAT = "tongban-agreement/1"
#: In a list of what may be opened: anything.
ANYTHING = "*"
#: Types that open nothing and follow nothing open carry this version.
NO_AGREEMENT = 0


@dataclass(frozen=True)
class Agreement:
    """One version. `opens` names, per giving district, what it may open at the other: item codes, `kiosk`, `ticket`, `*`.

    `notice_starts` names the district where the five-day notice starts for what one takes in and the other handles.
    """

    parties: tuple[str, str]
    version: int
    valid_from: datetime
    valid_until: datetime | None
    opens: dict[str, frozenset[str]]
    notice_starts: str = "handling"

    def in_force(self, moment: datetime) -> bool:
        """True from its first moment to just before its last."""
        return self.valid_from <= moment and (self.valid_until is None or moment < self.valid_until)

    def allows(self, giver: str, what: str) -> bool:
        """Whether `giver` may open `what` at the other party."""
        allowed = self.opens.get(giver, frozenset())
        return ANYTHING in allowed or what in allowed


def parties_of(one: str, other: str) -> tuple[str, str]:
    """The two districts in the order that agreements name them."""
    return (one, other) if one < other else (other, one)


def current(agreements: Iterable[Agreement], moment: datetime) -> Agreement | None:
    """The highest version in force at `moment`."""
    return max((item for item in agreements if item.in_force(moment)), key=lambda item: item.version, default=None)


def version_for(
    agreements: Iterable[Agreement], *, pinned: int | None, opening: bool, giver: str, what: str, now: datetime
) -> int:
    """The version that a message goes out under. Raises Rejected where nothing in force allows what it opens."""
    if pinned is not None:
        return pinned
    if not opening:
        return NO_AGREEMENT
    agreement = current(agreements, now)
    if agreement is None:
        raise Rejected("no_agreement")
    if not agreement.allows(giver, what):
        raise Rejected("not_agreed", what)
    return agreement.version


def check_arrived(
    agreements: Iterable[Agreement],
    *,
    version: int,
    pinned: int | None,
    opening: bool,
    giver: str,
    what: str,
    signed_at: datetime,
    now: datetime,
) -> None:
    """Holds a message that arrived under `version` against what is agreed here. Raises Rejected, or Deferred where that
    version is not here (yet): its sender has one that we signed too, and gives it to us.

    What opens is asked of the version it names, which must have been in force when it was signed or be so now: a message
    may have waited for days, and a version may have begun meanwhile.
    """
    if pinned is not None:
        if version != pinned:
            raise Rejected("agreement_changed", f"opened under {pinned}, not {version}")
        return
    if not opening:
        return
    named = next((item for item in agreements if item.version == version), None)
    if named is None:
        raise Deferred("agreement_missing", str(version))
    if not named.in_force(signed_at) and not named.in_force(now):
        raise Rejected("agreement_not_in_force", str(version))
    if not named.allows(giver, what):
        raise Rejected("not_agreed", what)


def to_payload(agreement: Agreement) -> dict[str, Any]:
    """The agreement as both parties sign it."""
    return {
        "format": FORMAT,
        "parties": list(agreement.parties),
        "version": agreement.version,
        "valid_from": time_text(agreement.valid_from),
        "valid_until": time_text(agreement.valid_until) if agreement.valid_until else None,
        "opens": {giver: sorted(what) for giver, what in agreement.opens.items()},
        "notice_starts": agreement.notice_starts,
    }


def from_payload(payload: Any) -> Agreement:
    """The agreement that was signed. Raises Malformed."""
    try:
        one, other = payload["parties"]
        agreement = Agreement(
            parties_of(one, other),
            payload["version"],
            parse_time(payload["valid_from"]),
            parse_time(payload["valid_until"]) if payload["valid_until"] is not None else None,
            {giver: frozenset(what) for giver, what in payload["opens"].items()},
            payload["notice_starts"],
        )
        same = to_payload(agreement) == payload
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed("bad_agreement", str(error)) from None
    if not same or not isinstance(agreement.version, int) or agreement.version < 1:
        raise Malformed("bad_agreement", "unknown or unordered parts")
    if not set(agreement.opens) <= set(agreement.parties) or agreement.notice_starts not in ("intake", "handling"):
        raise Malformed("bad_agreement", "a giver that is no party, or an unknown start of the notice")
    return agreement
