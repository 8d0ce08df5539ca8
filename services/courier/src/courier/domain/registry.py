"""The registry of districts: who they are, whom they are linked to, their keys with dates, and until when it counts.

Keyed by division code (GB/T 2260). Signed by the alliance's root key; a lower version never replaces a higher one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from courier.domain.canonical import parse_time, time_text
from courier.domain.errors import Malformed, TrustError

FORMAT = "tongban-registry/1"
#: How long an expired registry still carries messages, with an alarm.
GRACE = timedelta(hours=24)
#: Signature algorithms that a member may have; which one it has stands in the registry, never in the message alone.
SIGNATURES = frozenset({"EdDSA", "Ed25519", "ES256"})
_CODE = re.compile(r"[0-9]{6}\Z")


class Relation(StrEnum):
    """How a district belongs: to the alliance, or only to those it named."""

    ALLIANCE = "alliance"
    BILATERAL = "bilateral"


class State(StrEnum):
    """Whether a district takes part now."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class Freshness(StrEnum):
    """What an installed registry is worth now."""

    VALID = "valid"
    #: Expired less than `GRACE` ago: works, with an alarm.
    GRACE = "grace"
    #: Expired longer ago: links are closed.
    CLOSED = "closed"


@dataclass(frozen=True)
class Key:
    """A public key with the time in which it may be used; `public` is a JWK, or a PEM certificate for use `tls`."""

    use: str
    kid: str
    alg: str
    public: Any
    valid_from: datetime
    valid_until: datetime | None = None

    def valid_at(self, moment: datetime) -> bool:
        """True from its first moment to just before its last."""
        return self.valid_from <= moment and (self.valid_until is None or moment < self.valid_until)


@dataclass(frozen=True)
class Member:
    """One district, as the registry knows it. `broker` is host:port of its courier's AMQPS listener."""

    code: str
    name_zh: str
    name_en: str
    relation: Relation
    linked_to: frozenset[str]
    state: State
    broker: str
    issuer: str
    keys: tuple[Key, ...]

    def key(self, use: str, kid: str) -> Key | None:
        """Its key of that use and id, in whatever state."""
        return next((key for key in self.keys if key.use == use and key.kid == kid), None)

    def current(self, use: str, moment: datetime) -> Key | None:
        """Its newest key of that use that is valid at `moment`."""
        valid = [key for key in self.keys if key.use == use and key.valid_at(moment)]
        return max(valid, key=lambda key: key.valid_from, default=None)


@dataclass(frozen=True)
class Registry:
    """Every district by code, one version."""

    version: int
    issued_at: datetime
    expires_at: datetime
    members: Mapping[str, Member]

    def linked(self, one: str, other: str) -> bool:
        """Whether a link exists: within the alliance always, with a bilateral district only where it says so."""
        a, b = self.members.get(one), self.members.get(other)
        if a is None or b is None or one == other:
            return False
        bilateral = [member for member in (a, b) if member.relation is Relation.BILATERAL]
        return all(({one, other} - {member.code}) <= member.linked_to for member in bilateral)

    def peers(self, home: str) -> list[Member]:
        """Everybody that `home` is linked to, suspended ones too, by code."""
        return [self.members[code] for code in sorted(self.members) if self.linked(home, code)]

    def active_peers(self, home: str) -> list[Member]:
        """Everybody that `home` may send to now."""
        return [member for member in self.peers(home) if member.state is State.ACTIVE]

    def freshness(self, now: datetime) -> Freshness:
        """Whether it still counts at `now`."""
        if now < self.expires_at:
            return Freshness.VALID
        return Freshness.GRACE if now < self.expires_at + GRACE else Freshness.CLOSED


def may_replace(installed: Registry | None, offered: Registry) -> bool:
    """False for the very same version. Raises TrustError for a lower one."""
    if installed is None or offered.version > installed.version:
        return True
    if offered.version < installed.version:
        raise TrustError("registry_version_lower", f"{offered.version} is below {installed.version}")
    return False


def to_payload(registry: Registry) -> dict[str, Any]:
    """The registry as it is signed."""
    return {
        "format": FORMAT,
        "version": registry.version,
        "issued_at": time_text(registry.issued_at),
        "expires_at": time_text(registry.expires_at),
        "members": [_member_payload(registry.members[code]) for code in sorted(registry.members)],
    }


def from_payload(payload: Any) -> Registry:
    """The registry that was signed. Raises Malformed for anything that is not exactly one."""
    try:
        if payload["format"] != FORMAT or not isinstance(payload["version"], int) or payload["version"] < 1:
            raise Malformed("bad_registry", "format or version")
        members = [_member(part) for part in payload["members"]]
        registry = Registry(
            payload["version"],
            parse_time(payload["issued_at"]),
            parse_time(payload["expires_at"]),
            {member.code: member for member in members},
        )
        same = to_payload(registry) == payload and len(registry.members) == len(members)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed("bad_registry", str(error)) from None
    if not same:
        raise Malformed("bad_registry", "unknown, repeated or unordered parts")
    return registry


def _member_payload(member: Member) -> dict[str, Any]:
    return {
        "code": member.code,
        "name_zh": member.name_zh,
        "name_en": member.name_en,
        "relation": member.relation.value,
        "linked_to": sorted(member.linked_to),
        "state": member.state.value,
        "broker": member.broker,
        "issuer": member.issuer,
        "keys": [
            {
                "use": key.use,
                "kid": key.kid,
                "alg": key.alg,
                "public": key.public,
                "from": time_text(key.valid_from),
                "until": time_text(key.valid_until) if key.valid_until else None,
            }
            for key in member.keys
        ],
    }


def _member(part: Any) -> Member:
    if not _CODE.match(part["code"]):
        raise ValueError(f"{part['code']!r} is not a division code")
    keys = []
    for key in part["keys"]:
        if key["use"] == "sig" and key["alg"] not in SIGNATURES:
            raise ValueError(f"{key['alg']!r} is not an allowed signature algorithm")
        until = parse_time(key["until"]) if key["until"] is not None else None
        keys.append(Key(key["use"], key["kid"], key["alg"], key["public"], parse_time(key["from"]), until))
    return Member(
        part["code"],
        part["name_zh"],
        part["name_en"],
        Relation(part["relation"]),
        frozenset(part["linked_to"]),
        State(part["state"]),
        part["broker"],
        part["issuer"],
        tuple(keys),
    )
