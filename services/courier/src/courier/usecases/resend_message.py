"""Sends once more what was refused, because a person says that the reason is gone. The message keeps its id.

Only what belongs to a matter that is open: its service takes it in any order and any number of times. What opens a matter has
come back to its service with the refusal, and that service may have acted since: it offers it again itself, under a new turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from courier.domain.envelope import Claims
from courier.domain.errors import Rejected
from courier.domain.trust import Trust
from courier.usecases.ports import Outbound, Seals, SendWork
from courier.usecases.send_messages import Desk, Prepared, check_sendable, prepared_for


@dataclass(frozen=True)
class Refused:
    """A message that a peer refused, as it was signed (`claims`, body sealed to the peer); or that was refused here and
    never signed (no claims, sealed to ourselves)."""

    id: UUID
    peer: str
    service: str
    opens: str
    trace: str
    sealed: str
    claims: Claims | None


class ResendWork(SendWork, Protocol):
    """What sending again needs of a transaction."""

    def refused(self, id: UUID) -> Sequence[Refused]:
        """What became of the message with each peer that it was refused for; its body is kept for so many days only."""

    def withdraw(self, refused: Refused) -> UUID | None:
        """Takes the refusal out of the books of what was sent; returns its receipt, which stays."""

    def keep_earlier(self, refused: Refused, receipt_id: UUID) -> None:
        """Notes the receipt of the refusal beside the message as it goes out now."""


def resend_message(work: ResendWork, id: UUID, trust: Trust, seals: Seals, now: datetime) -> list[str]:
    """The peers that it goes to again. Raises Rejected: `not_refused`, `opens_something`, or why it may still not be sent."""
    found = work.refused(id)
    if not found:
        raise Rejected("not_refused", f"{id} was not refused, or its body is not kept any more")
    ready = [(refused, _prepared(refused, trust, seals, now)) for refused in found]
    numbers = work.lock_numbers({refused.peer for refused in found})
    desk = Desk(work, trust, seals, now=now, numbers=numbers, head=work.lock_head())
    desk.load([item for _, item in ready])
    earlier = [(refused, work.withdraw(refused)) for refused in found]
    for _, item in ready:
        desk.number(item)
    desk.save()
    for refused, receipt_id in earlier:
        if receipt_id is not None:
            work.keep_earlier(refused, receipt_id)
    return sorted(refused.peer for refused in found)


def _prepared(refused: Refused, trust: Trust, seals: Seals, now: datetime) -> Prepared:
    message = _message(refused, seals)
    check_sendable(message, trust)
    if trust.routes[message.type].opens or message.opens:
        raise Rejected("opens_something", "its service has it back: offer it again there")
    if message.valid_until is not None and message.valid_until < now:
        raise Rejected("expired")
    if refused.claims is None:
        return prepared_for([refused.peer], message, seals, now)
    return Prepared(message, {refused.peer: refused.sealed})


def _message(refused: Refused, seals: Seals) -> Outbound:
    claims = refused.claims
    if claims is None:
        return replace(seals.unseal_own(refused.sealed), target=refused.peer)
    return Outbound(
        id=claims.id,
        service=refused.service,
        type=claims.type,
        target=claims.target,
        subject=claims.subject,
        seq=1,
        body=b"",
        opens=refused.opens,
        answers_to=claims.answers_to,
        valid_until=claims.valid_until,
        trace=refused.trace,
    )
