"""Receipts and refusals: what the taker signs about numbers that it stored, refused, or knows under another message.

A receipt travels sealed like everything else, but is signed by itself, so that its holder can show it to others. It
covers what one transaction of the taker settled, and carries the taker's log head after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from courier.domain.canonical import parse_json, parse_time, time_text, written
from courier.domain.chain import Head
from courier.domain.envelope import MAX_ENVELOPE, Lane
from courier.domain.errors import Malformed

FORMAT = "tongban-receipt/1"
#: How many numbers one receipt may settle.
MAX_ITEMS = 1000


class Verdict(StrEnum):
    """What became of a number at the taker. A receipt means stored, not applied."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    #: The number is taken by another message: the sender's database has gone back in time.
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Item:
    """One number; `signed` is the SHA-256 of the JWS that was judged, `code` the reason where it was not accepted."""

    lane: Lane
    epoch: int
    number: int
    id: UUID
    signed: str
    verdict: Verdict
    code: str = ""

    def to_json(self) -> list[Any]:
        return [self.lane.value, self.epoch, self.number, str(self.id), self.signed, self.verdict.value, self.code]


@dataclass(frozen=True)
class Receipt:
    """What `source` says about messages of `target`."""

    source: str
    target: str
    time: datetime
    head: Head
    items: Sequence[Item]


def encode(receipt: Receipt) -> bytes:
    """The receipt as it is signed."""
    return written(
        {
            "format": FORMAT,
            "source": receipt.source,
            "target": receipt.target,
            "time": time_text(receipt.time),
            "head": receipt.head.to_json(),
            "items": [item.to_json() for item in receipt.items],
        }
    )


def decode(data: bytes) -> Receipt:
    """The receipt that was signed. Raises Malformed for anything that `encode` does not write."""
    value = parse_json(data, MAX_ENVELOPE)
    try:
        items = [
            Item(Lane(lane), epoch, number, UUID(id), signed, Verdict(verdict), code)
            for lane, epoch, number, id, signed, verdict, code in value["items"]
        ]
        receipt = Receipt(
            value["source"], value["target"], parse_time(value["time"]), Head.from_json(value["head"]), tuple(items)
        )
        same = encode(receipt) == data
        plain = all(type(item.epoch) is int and type(item.number) is int for item in items)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Malformed("bad_receipt") from None
    if not same or not plain or not 0 < len(items) <= MAX_ITEMS:
        raise Malformed("bad_receipt")
    return receipt
