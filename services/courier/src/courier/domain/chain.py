"""The log: what a district sent, accepted and refused, each entry bound to everything before it.

    digest(entry) = SHA-256 of the entry in canonical JSON
    hash(n)       = SHA-256 of (hash(n-1) as 64 hex digits, then digest(entry n) as 64 hex digits)

A head (epoch, seq, hash) therefore stands for the whole log up to `seq`. Every envelope carries its signer's head, so the
peer holds anchors that the owner cannot take back. An entry of another case can be shown as its digest alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from courier.domain.canonical import digest, parse_time, time_text, written

#: hash(0): the log before its first entry.
GENESIS = "0" * 64


class Kind(StrEnum):
    """What an entry records."""

    SENT = "sent"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    #: The database was restored and the district counts in a new epoch from here on.
    EPOCH = "epoch"


@dataclass(frozen=True)
class Head:
    """The log up to and with entry `seq`, in the epoch in which it was written."""

    epoch: int = 1
    seq: int = 0
    hash: str = GENESIS

    def to_json(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "seq": self.seq, "hash": self.hash}

    @staticmethod
    def from_json(value: Any) -> Head:
        """Raises ValueError, KeyError or TypeError for anything else."""
        head = Head(value["epoch"], value["seq"], value["hash"])
        if (
            type(head.epoch) is not int
            or type(head.seq) is not int
            or head.seq < 0
            or set(value) != {"epoch", "seq", "hash"}
        ):
            raise ValueError("head")
        if len(head.hash) != 64 or not set(head.hash) <= set("0123456789abcdef"):
            raise ValueError("head")
        return head


@dataclass(frozen=True)
class Entry:
    """One line of the log. `signed` is the SHA-256 of the envelope's JWS; `code` the reason of a refusal."""

    seq: int
    kind: Kind
    at: datetime
    peer: str = ""
    lane: str = ""
    epoch: int = 0
    number: int = 0
    id: UUID | None = None
    subject: str = ""
    subject_seq: int = 0
    signed: str = ""
    code: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "seq": self.seq,
            "kind": self.kind.value,
            "at": time_text(self.at),
            "peer": self.peer,
            "lane": self.lane,
            "epoch": self.epoch,
            "number": self.number,
            "id": str(self.id) if self.id else "",
            "subject": self.subject,
            "subject_seq": self.subject_seq,
            "signed": self.signed,
            "code": self.code,
        }

    @staticmethod
    def from_json(value: Any) -> Entry:
        """Raises ValueError, KeyError or TypeError for anything else."""
        entry = Entry(
            seq=value["seq"],
            kind=Kind(value["kind"]),
            at=parse_time(value["at"]),
            peer=value["peer"],
            lane=value["lane"],
            epoch=value["epoch"],
            number=value["number"],
            id=UUID(value["id"]) if value["id"] else None,
            subject=value["subject"],
            subject_seq=value["subject_seq"],
            signed=value["signed"],
            code=value["code"],
        )
        if entry.to_json() != value:
            raise ValueError("entry")
        return entry

    def digest(self) -> str:
        """What stands for this entry in the chain."""
        return digest(written(self.to_json()))


def link(previous: str, entry_digest: str) -> str:
    """The hash after an entry, from the hash before it."""
    return hashlib.sha256((previous + entry_digest).encode("ascii")).hexdigest()


def extend(head: Head, entry: Entry) -> Head:
    """The head after `entry`. Raises ValueError unless the entry is the next one."""
    if entry.seq != head.seq + 1:
        raise ValueError(f"entry {entry.seq} cannot follow {head.seq}")
    epoch = entry.epoch if entry.kind is Kind.EPOCH else head.epoch
    return Head(epoch, entry.seq, link(head.hash, entry.digest()))


def walk(start: Head, digests: Iterable[str]) -> list[str]:
    """The hashes after each digest, beginning behind `start`."""
    hashes, current = [], start.hash
    for entry_digest in digests:
        current = link(current, entry_digest)
        hashes.append(current)
    return hashes
