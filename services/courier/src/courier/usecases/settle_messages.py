"""Closes what a peer's receipt settles: stored there, refused there, or in conflict with what the peer knows.

A receipt means stored, not applied. A refusal becomes an event for the service that sent the message, so that it comes
onto a person's worklist. A conflict says that our own database has gone back in time: the caller begins a new epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from courier.domain.receipts import Item, Receipt, Verdict
from courier.usecases.ports import Settled, SettleWork


@dataclass(frozen=True)
class Outcome:
    """What a batch of receipts closed; `conflicts`: the peer holds other messages under so many numbers of ours."""

    closed: tuple[Settled, ...]
    conflicts: int


def settle_messages(work: SettleWork, receipts: Sequence[tuple[UUID, Receipt, str]], now: datetime) -> Outcome:
    """Settles by receipts that are authenticated and ours; each comes with an id for it and its signed form."""
    work.lock_links({receipt.source for _, receipt, _ in receipts})
    closed: list[Settled] = []
    conflicts = 0
    for receipt_id, receipt, jws in receipts:
        accepted = _settle(work, receipt, Verdict.ACCEPTED, receipt_id=receipt_id, now=now)
        refused = _settle(work, receipt, Verdict.REFUSED, receipt_id=receipt_id, now=now)
        for settled, item in refused:
            work.tell_refused(settled, item.code, f"{receipt.source} refused it.", now)
        if refused:
            work.never_opened(receipt.source, {settled.subject for settled, _ in refused})
        if accepted or refused:
            work.add_receipt(receipt_id, receipt.source, jws, given=False, now=now)
            work.count_settled(receipt.source, len(accepted), len(refused))
        settled_all = len(accepted) + len(refused) == len(receipt.items)
        if not settled_all and work.differing(receipt.source, receipt.items):
            work.note(receipt.source, "receipt_differing", now)
        closed += [settled for settled, _ in (*accepted, *refused)]
        if disputed := [item for item in receipt.items if item.verdict is Verdict.CONFLICT]:
            conflicts += work.in_conflict(receipt.source, disputed)
    return Outcome(tuple(closed), conflicts)


def _settle(
    work: SettleWork, receipt: Receipt, verdict: Verdict, *, receipt_id: UUID, now: datetime
) -> list[tuple[Settled, Item]]:
    state = "receipted" if verdict is Verdict.ACCEPTED else "refused"
    items = [item for item in receipt.items if item.verdict is verdict]
    return work.settle(receipt.source, items, state, receipt_id, now) if items else []
