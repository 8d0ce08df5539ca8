"""One way to write a value as bytes, so that a digest or a signature means the same to both sides.

JSON as RFC 8785 writes it, for what is used here: objects with ASCII names, strings, integers, booleans, null and lists.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from courier.domain.errors import Malformed

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def canonical(value: Any) -> bytes:
    """`value` in its only form. Raises ValueError for a number that is not an integer."""
    _check(value)
    return written(value)


def written(value: Any) -> bytes:
    """The same, for a value that is known to hold nothing else than what has a canonical form."""
    return _ENCODER.encode(value).encode()


def parse_canonical(data: bytes, limit: int) -> Any:
    """The value that `data` is the canonical form of. Raises Malformed for anything else, however hostile."""
    value = parse_json(data, limit)
    try:
        same = written(value) == data
    except (ValueError, RecursionError):
        raise Malformed("not_json") from None
    if not same:
        raise Malformed("not_canonical")
    return value


def parse_json(data: bytes, limit: int) -> Any:
    """A value that has a canonical form, however `data` spells it. Raises Malformed.

    For readers that write the value again and compare: two spellings of one value never pass for each other there.
    """
    if len(data) > limit:
        raise Malformed("too_large")
    try:
        return json.loads(data.decode(), parse_float=_no_float, parse_constant=_no_float)
    except (ValueError, RecursionError):
        raise Malformed("not_json") from None


def _no_float(text: str) -> Any:
    raise ValueError(f"{text} is not an integer")


def digest(data: bytes) -> str:
    """Lower-case hex SHA-256."""
    return hashlib.sha256(data).hexdigest()


def time_text(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds: one moment, one text."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_time(text: Any) -> datetime:
    """The moment that `time_text` wrote. Raises Malformed."""
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        raise Malformed("bad_time") from None
    if moment.tzinfo is None or time_text(moment) != text:
        raise Malformed("bad_time")
    return moment.astimezone(UTC)


def _check(value: Any) -> None:
    if isinstance(value, dict):
        for name, part in value.items():
            if not isinstance(name, str):
                raise ValueError("a name must be a string")
            _check(part)
    elif isinstance(value, list | tuple):
        for part in value:
            _check(part)
    elif value is not None and not isinstance(value, str | int):
        raise ValueError(f"{type(value).__name__} has no canonical form")
