"""Errors that cross a boundary: a stable code, a kind, and a sentence that says what to do.

    Fault                       what our own code raises and what a caller gets back
    anything with code + kind   a domain's own error: the domain imports nothing of ours, so its errors only look alike
    everything else             a defect: the caller gets `internal`, the log gets the traceback

Error classes never cross the wire; `Fault.code` and `Fault.kind` do. The edge maps kind to an HTTP status in one table.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    """What sort of failure it is; all that a program needs to decide what to do next."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    DEADLINE = "deadline"
    INTERNAL = "internal"


class Fault(Exception):
    """A failure with a code that programs may rely on.

    `code` is "<service>.<what>" and never changes once released; `message` is a sentence for the person in front of it;
    `details` names fields or values, never personal data.
    """

    def __init__(self, code: str, kind: Kind | str, message: str, details: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.kind = Kind(kind)
        self.message = message
        self.details = dict(details or {})

    def __repr__(self) -> str:
        return f"Fault({self.code!r}, {self.kind.value!r}, {self.message!r})"


def fault_of(error: BaseException) -> Fault | None:
    """`error` as a Fault if it carries a `code` and a `kind`, as a domain's errors do; None for a defect."""
    if isinstance(error, Fault):
        return error
    code, kind = getattr(error, "code", None), getattr(error, "kind", None)
    if isinstance(code, str) and isinstance(kind, str) and kind in set(Kind):
        return Fault(code, kind, str(error), getattr(error, "details", None))
    return None


def internal() -> Fault:
    """What a caller is told of a defect: nothing of its inside."""
    return Fault(
        "internal", Kind.INTERNAL, "Something went wrong on our side; try again, and report the trace id if it stays."
    )
