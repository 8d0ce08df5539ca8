"""One way to write a value as bytes, so that a digest or a signature means the same to both sides.

JSON as RFC 8785 writes it, for what is used here: objects with ASCII names, strings, integers, booleans, null and lists.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from courier.domain.errors import Malformed


def canonical(value: Any) -> bytes:
    """`value` in its only form. Raises ValueError for a number that is not an integer."""
    _check(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()


def parse_canonical(data: bytes, limit: int) -> Any:
    """The value that `data` is the canonical form of. Raises Malformed for anything else, however hostile."""
    if len(data) > limit:
        raise Malformed("too_large")
    try:
        value = json.loads(data)
        same = canonical(value) == data
    except (ValueError, RecursionError):
        raise Malformed("not_json") from None
    if not same:
        raise Malformed("not_canonical")
    return value


def digest(data: bytes) -> str:
    """Lower-case hex SHA-256."""
    return hashlib.sha256(data).hexdigest()


def time_text(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds: one moment, one text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: Any) -> datetime:
    """The moment that `time_text` wrote. Raises Malformed."""
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except (ValueError, TypeError):
        raise Malformed("bad_time") from None
    if time_text(moment) != text:
        raise Malformed("bad_time")
    return moment


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
