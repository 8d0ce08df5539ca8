"""Begins a new epoch after this database was restored from a backup: old numbers may have been used for what is lost here.

Everything without a receipt is numbered anew and signed anew; bodies stay sealed as they were. Nothing is lost by it and
nothing doubled: services know a message by its id, which stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from courier.domain.canonical import digest
from courier.domain.chain import Entry, Head, Kind, extend
from courier.domain.envelope import Claims, Lane, encode
from courier.usecases.ports import LogWork, Seals, Signed
from courier.usecases.send_messages import append, entry_of


class EpochWork(LogWork, Protocol):
    """What a new epoch needs of a transaction."""

    def lock_everything(self) -> None: ...

    def unsettled(self) -> list[Signed]:
        """Everything numbered and without a receipt, per peer and lane in the order of its numbers."""

    def begin_epoch(self, epoch: int, mark: str) -> None:
        """Every sequence starts at 1 again, and the services' own counts are forgotten."""

    def renumber(self, messages: Sequence[Signed], now: datetime) -> None: ...


def start_epoch(work: EpochWork, seals: Seals, now: datetime, *, mark: str = "", at_least: int = 0) -> Head:
    """The head after the epoch's first entry and the messages numbered anew; `at_least`: the highest epoch a peer knows."""
    work.lock_everything()
    head = work.lock_head()
    epoch = max(head.epoch, at_least) + 1
    first = Entry(seq=head.seq + 1, kind=Kind.EPOCH, at=now, epoch=epoch)
    head = extend(head, first)
    chain: list[tuple[Entry, str, Head]] = [(first, "", head)]
    messages = work.unsettled()
    work.begin_epoch(epoch, mark)
    numbers: dict[tuple[str, Lane], int] = {}
    places: dict[tuple[str, str], int] = {}
    renumbered = []
    for message in messages:
        claims = _renumbered(message.claims, head, numbers, places, now)
        jws = seals.sign(encode(claims), now)
        again = replace(message, claims=claims, jws=jws, signed=digest(jws.encode("ascii")))
        entry = entry_of(again, head.seq + 1, now)
        head = extend(head, entry)
        chain.append((entry, jws, head))
        renumbered.append(again)
    append(work, chain)
    work.renumber(renumbered, now)
    return head


def _renumbered(
    claims: Claims,
    head: Head,
    numbers: dict[tuple[str, Lane], int],
    places: dict[tuple[str, str], int],
    now: datetime,
) -> Claims:
    at = (claims.target, claims.lane)
    numbers[at] = numbers.get(at, 0) + 1
    seq = 0
    if claims.lane is Lane.MAIN:
        subject = (claims.target, claims.subject)
        seq = places[subject] = places.get(subject, 0) + 1
    return replace(claims, epoch=head.epoch, number=numbers[at], subject_seq=seq, time=now, head=head)
