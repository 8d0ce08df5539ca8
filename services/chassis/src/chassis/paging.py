"""Pages of a list by keyset: an opaque cursor names the last row seen, so a page costs the same however deep it lies."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from chassis.errors import Fault, Kind

DEFAULT_SIZE = 20
LARGEST_SIZE = 100

T = TypeVar("T")
U = TypeVar("U")
Key = tuple[Any, ...]


class PageRequest(Protocol):
    """`tongban.common.v1.PageRequest`, as far as paging goes."""

    @property
    def size(self) -> int: ...
    @property
    def cursor(self) -> str: ...


@dataclass(frozen=True)
class Wish:
    """Which page is wanted: at most `size` rows whose key comes after `after`; None for the first page."""

    size: int = DEFAULT_SIZE
    after: Key | None = None


@dataclass(frozen=True)
class Page(Generic[T]):
    """The rows of one page and the cursor of the following; `next` is empty on the last page."""

    rows: tuple[T, ...]
    next: str = ""

    def map(self, change: Callable[[T], U]) -> list[U]:
        return [change(row) for row in self.rows]


def wish(request: PageRequest, *key_types: type) -> Wish:
    """What `request` asks for, its cursor checked against the list's key. Raises Fault `request.bad_page`."""
    if not 0 <= request.size <= LARGEST_SIZE:
        raise _bad("size", f"A page has 1 to {LARGEST_SIZE} rows.")
    size = request.size or DEFAULT_SIZE
    if not request.cursor:
        return Wish(size)
    try:
        key = json.loads(base64.urlsafe_b64decode(request.cursor.encode() + b"=="))
    except (ValueError, binascii.Error, RecursionError):
        key = None
    if not isinstance(key, list) or [type(part) for part in key] != list(key_types):
        raise _bad("cursor", "The cursor is not one that this list gave out; start again without it.")
    if not all(map(_is_storable, key)):
        raise _bad("cursor", "The cursor is not one that this list gave out; start again without it.")
    return Wish(size, tuple(key))


def _is_storable(part: Any) -> bool:
    """Whether a column could hold it: PostgreSQL knows neither U+0000 nor half of a surrogate pair, nor 65 bits."""
    if isinstance(part, str):
        return "\x00" not in part and not any("\ud800" <= sign <= "\udfff" for sign in part)
    return abs(part) < 2**63


def page(rows: Sequence[T], wanted: Wish, key: Callable[[T], Key]) -> Page[T]:
    """`rows`, read with a limit of one more than wanted, as a page; `key` gives a row's place in the list's order."""
    kept = tuple(rows[: wanted.size])
    return Page(kept, _cursor(key(kept[-1])) if len(rows) > wanted.size else "")


def _cursor(key: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(key), ensure_ascii=False).encode()).decode().rstrip("=")


def _bad(field: str, sentence: str) -> Fault:
    return Fault("request.bad_page", Kind.INVALID, sentence, {"field": field})
