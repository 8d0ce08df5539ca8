"""What the courier refuses, and how hard.

Malformed          cannot be read; nobody is known to have sent it, so nobody is answered
Unauthenticated    reads well, but nobody can be held to it: quarantine, alarm, no answer
Rejected           the sender is known and broke a rule: a signed refusal with a reason goes back
Deferred           the sender is known and what is needed to judge it is not here yet: no answer, it comes again
TrustError         a registry or agreement that must not be installed
EvidenceError      a file of evidence that does not prove what it says
"""

from __future__ import annotations


class CourierError(Exception):
    """A failure with a stable code."""

    code = "courier.failed"
    kind = "invalid"

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code if "." in code else f"courier.{code}"
        self.detail = detail
        super().__init__(f"{self.code}: {detail}" if detail else self.code)


class Malformed(CourierError):
    """The bytes are not an envelope, or not one of ours."""


class Unauthenticated(CourierError):
    """Signature, key or member cannot be trusted."""


class Rejected(CourierError):
    """Authenticated, but against a rule."""

    kind = "forbidden"


class Deferred(CourierError):
    """Authentic, and to be judged when it comes again: refusing it for what we lack would lose it for good."""

    kind = "unavailable"


class ChunksMissing(Deferred):
    """The envelope is here, and parts of its body are still to come."""


class TrustError(CourierError):
    """A registry or agreement that is not acceptable."""

    kind = "conflict"


class EvidenceError(CourierError):
    """The evidence does not hold; the code says which check it failed."""
