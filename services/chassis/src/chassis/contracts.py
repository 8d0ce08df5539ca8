"""Small parts of contracts that every service translates alike: moments and the words of an enum."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Generic, TypeVar

from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import Fault, Kind

E = TypeVar("E", bound=StrEnum)


def timestamp(moment: datetime | None) -> Timestamp | None:
    """An aware moment as a contract carries it; None stays unset."""
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def moment(stamp: Timestamp) -> datetime:
    """The moment, aware, in UTC, to the microsecond. Raises Fault `request.bad_time` for one outside the years 1 to 9999."""
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Fault("request.bad_time", Kind.INVALID, "A time must lie in the years 1 to 9999.") from None


def word_of(numbers: EnumTypeWrapper, number: int, prefix: str) -> str:
    """ "recalled" of PROVENANCE_RECALLED: for who passes a word on and decides nothing by it. Raises ValueError for what is no number."""
    return numbers.Name(number).removeprefix(f"{prefix}_").lower()


class EnumWords(Generic[E]):
    """A domain's words ↔ the numbers of a contract's enum whose values are called `<prefix>_<WORD>`.

    Made at import, so that a word without a number is found when the service starts, not when it is used.
    """

    def __init__(self, words: type[E], numbers: EnumTypeWrapper, prefix: str) -> None:
        self._numbers = {word: numbers.Value(f"{prefix}_{word.name}") for word in words}
        self._words = {number: word for word, number in self._numbers.items()}

    def number(self, word: E) -> int:
        return self._numbers[word]

    def word(self, number: int, otherwise: Callable[[str], Exception]) -> E:
        """The word of `number`; raises what `otherwise` makes of a sentence that lists the words there are."""
        if (word := self._words.get(number)) is None:
            raise otherwise(f"must be one of {', '.join(self._numbers)}")
        return word
