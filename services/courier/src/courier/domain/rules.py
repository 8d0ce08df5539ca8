"""The checks on what arrives, in the order that decides whether the sender is answered.

    not authenticated              Malformed or Unauthenticated: bounded quarantine, alarm, no answer
    authenticated, against a rule  Rejected: a signed refusal with a reason, which fills the number
    neither                        accepted

Age refuses nothing: retries run for days, and clocks differ. Only what carries `valid_until` expires.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from courier.domain.canonical import digest
from courier.domain.envelope import Claims, Lane, schema_of
from courier.domain.errors import Rejected, Unauthenticated
from courier.domain.registry import Key, Registry, State


@dataclass(frozen=True)
class Route:
    """What the bus table says about one type that crosses districts."""

    type: str
    source: str
    target: str
    opens: bool


Routes = Mapping[str, Route]


def signing_key(registry: Registry, home: str, source: str, kid: str, signed_at: datetime) -> Key:
    """The key that a message from `source` must have been signed with. Raises Unauthenticated.

    A member that `home` has no link with is nobody here, whatever its signature is worth elsewhere.
    """
    if not registry.linked(home, source):
        raise Unauthenticated("no_link", source)
    key = registry.members[source].key("sig", kid)
    if key is None:
        raise Unauthenticated("unknown_key", source)
    if not key.valid_at(signed_at):
        raise Unauthenticated("key_not_valid_then", source)
    return key


def check_addressed(claims: Claims, home: str, sealed: str) -> None:
    """Raises Unauthenticated for a message that its signer did not mean for us in this form.

    A copy of a message to another district is no message of its signer to us: answering would fill a number of ours.
    """
    if claims.target != home:
        raise Unauthenticated("wrong_target", claims.source)
    if digest(sealed.encode("ascii")) != claims.body:
        raise Unauthenticated("body_differs", claims.source)


def check_allowed(claims: Claims, registry: Registry, routes: Routes) -> None:
    """Raises Rejected for what its authenticated sender may not send. Says nothing about agreements and time."""
    if registry.members[claims.source].state is State.SUSPENDED:
        raise Rejected("member_suspended")
    if claims.lane in (Lane.CONTROL, Lane.CHUNK):
        return
    if claims.type not in routes:
        raise Rejected("unknown_type", claims.type)
    if claims.schema != schema_of(claims.type):
        raise Rejected("unknown_schema", str(claims.schema))


def check_time(claims: Claims, now: datetime, clock_difference: timedelta) -> None:
    """Raises Rejected for a question whose deadline is over by the asker's clock (ours plus the measured difference)."""
    if claims.valid_until is not None and now + clock_difference > claims.valid_until:
        raise Rejected("expired")


@dataclass(frozen=True)
class Seen:
    """What is kept for ever of a number that was taken."""

    id: str
    signed: str


class Known:
    """Outcomes of comparing a number with what is kept of it."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


def compare(kept: Seen | None, arrived: Seen) -> str:
    """New; the same again, which gets the same receipt; or another message under a number that was taken."""
    if kept is None:
        return Known.NEW
    return Known.DUPLICATE if kept == arrived else Known.CONFLICT
