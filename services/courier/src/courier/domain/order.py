"""Order within a subject: what arrived early waits for what comes before it; other subjects never wait for it.

A `Line` is one subject of one peer. Its sender counts from 1 in each epoch without a gap, and a refusal fills its place
like an acceptance. When the sender begins a new epoch (its database was restored), what still waited in an older one has
nothing more to wait for and goes first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class Place(StrEnum):
    """Where a message stands in its subject."""

    NOW = "now"
    LATER = "later"
    #: Its place was already filled, by another number.
    TAKEN = "taken"


@dataclass
class Line(Generic[T]):
    """How far a subject is handed on, and what waits: (epoch, subject_seq) → the message, or None for a refused one."""

    epoch: int = 0
    handed: int = 0
    waiting: dict[tuple[int, int], T | None] = field(default_factory=dict)

    def place(self, epoch: int, seq: int) -> Place:
        """Where a message of that epoch and subject_seq belongs. A straggler of an older epoch waits for nothing."""
        if (epoch, seq) in self.waiting:
            return Place.TAKEN
        if epoch != self.epoch:
            return Place.NOW if epoch < self.epoch or seq == 1 else Place.LATER
        if seq <= self.handed:
            return Place.TAKEN
        return Place.NOW if seq == self.handed + 1 else Place.LATER

    def arrive(self, epoch: int, seq: int, message: T | None) -> list[T]:
        """Takes one message in (None: refused, it only fills its place) and returns what is handed on now, in order.

        Raises ValueError where the place is taken.
        """
        place = self.place(epoch, seq)
        if place is Place.TAKEN:
            raise ValueError(f"place {epoch}/{seq} is taken")
        if epoch < self.epoch:
            return [message] if message is not None else []
        self.waiting[epoch, seq] = message
        ready = self._release_older(epoch)
        while (self.epoch, self.handed + 1) in self.waiting:
            self.handed += 1
            ready.append(self.waiting.pop((self.epoch, self.handed)))
        return [item for item in ready if item is not None]

    def _release_older(self, epoch: int) -> list[T | None]:
        if epoch <= self.epoch:
            return []
        older = sorted(place for place in self.waiting if place[0] < epoch)
        self.epoch, self.handed = epoch, 0
        return [self.waiting.pop(place) for place in older]


def missing(arrived: Iterable[int], contiguous: int, highest: int, limit: int = 500) -> list[int]:
    """The numbers after `contiguous`, up to `highest`, that are not among `arrived`: at most `limit`, lowest first."""
    there = set(arrived)
    gaps: list[int] = []
    for number in range(contiguous + 1, highest + 1):
        if number not in there:
            gaps.append(number)
            if len(gaps) == limit:
                break
    return gaps


def advance(contiguous: int, arrived: Iterable[int]) -> int:
    """The highest number up to which nothing is missing, once `arrived` are in."""
    there = set(arrived)
    while contiguous + 1 in there:
        contiguous += 1
    return contiguous
