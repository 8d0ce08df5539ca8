"""The order in which one service's messages about one subject reach the courier: as the service counted them.

The relay may hand them over in any order (several relays, retries). A message that comes early waits here; one that
comes again is known by its id before this is asked. After a restore of either database the counts no longer match, so
the first message of a new epoch sets the count anew, and a count that has gone back is believed.
"""

from __future__ import annotations

from enum import StrEnum

#: The count of a stream about which nothing is known any more: whatever comes first is next.
UNKNOWN = -1


class Turn(StrEnum):
    """Whether a message is next in its stream."""

    NEXT = "next"
    EARLY = "early"


def turn(taken: int | None, seq: int, *, first_epoch: bool) -> Turn:
    """`taken` is the last count that was taken, None for a stream not seen yet."""
    if taken is None:
        return Turn.NEXT if seq == 1 or not first_epoch else Turn.EARLY
    if taken == UNKNOWN or seq <= taken + 1:
        return Turn.NEXT
    return Turn.EARLY


def after(taken: int | None, seq: int) -> int:
    """The count after a message that was next."""
    return max(taken or 0, seq)
