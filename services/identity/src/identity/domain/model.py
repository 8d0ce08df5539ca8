"""Accounts of persons and staff, their sessions, and clients that sign in by a key of their own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum


class AccountKind(StrEnum):
    """Whether somebody is served here or works here."""

    PERSON = "person"
    STAFF = "staff"


class Role(StrEnum):
    """What somebody, or a machine, may be in this district."""

    CITIZEN = "citizen"
    CLERK = "clerk"
    OPERATOR = "operator"
    AGENT = "agent"
    FLEET_MANAGER = "fleet_manager"
    PUBLISHER = "publisher"
    KIOSK = "kiosk"
    PARTNER = "partner"


#: Roles that a machine's client may hold; no client can be given a person's.
CLIENT_ROLES = frozenset({Role.KIOSK, Role.PARTNER})


class Assurance(StrEnum):
    """How strongly identity was proven, weakest to strongest; carried as `acr`, never raised on the way."""

    L2 = "L2"  # format only
    L3 = "L3"  # two elements checked
    L4 = "L4"  # person, name and document matched
    L5 = "L5"  # certificate, or at a window


@dataclass(frozen=True)
class Person:
    """Personal data of an account's holder: never logged, sealed at rest."""

    name: str = field(repr=False)
    #: GB 11643, 18 characters; empty for staff.
    id_number: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(repr=False)
    #: BCP 47: zh-Hans or en.
    language: str = "zh-Hans"


@dataclass(frozen=True)
class Account:
    """Somebody who can sign in here. `subject` never changes and says nothing about them."""

    subject: str
    login: str
    kind: AccountKind
    roles: frozenset[Role]
    acr: Assurance
    person: Person
    version: int = 1
    enabled: bool = True
    #: Made from samples.yaml, for trying things out.
    sample: bool = False

    def shut_out(self) -> Account:
        return replace(self, enabled=False, version=self.version + 1)


@dataclass(frozen=True)
class Session:
    """A signed-in browser. `key` is a hash of what the cookie holds, so that a read table signs nobody in."""

    key: str
    #: Its public name, random: in ID tokens and in logouts.
    sid: str
    subject: str
    signed_in_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    #: Subject of the firm that the person acts for here, as they chose; "": themself.
    acting_for: str = ""

    def is_open(self, now: datetime) -> bool:
        return self.ended_at is None and now < self.expires_at


@dataclass(frozen=True)
class Client:
    """A machine that signs in by private_key_jwt: a kiosk, a partner's system."""

    client_id: str
    #: The public key, as a JSON Web Key (RFC 7517) in canonical JSON.
    public_jwk: str
    roles: frozenset[Role]
    registered_at: datetime
    enabled: bool = True
