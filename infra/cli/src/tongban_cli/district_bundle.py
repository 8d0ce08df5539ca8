"""A join bundle: the public facts of one district, signed by its own signing key, for whoever is to be linked with it.

    make(member, signing_jwk, now)    → the file's text
    read(text, now)                   → Bundle, once it holds together: its own signature, dates, keys, addresses
    read_accepted(text)               → the same, for one that somebody accepted before

The signature says that whoever holds the key says these things; that the key is the district's is what people compare the
fingerprint for, over another way than the one the file came by. The form is the registry's: canonical JSON in a JWS with
general serialisation (RFC 7515, section 7.2.1), and the member as the registry will have it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from courier import registry_file
from courier.adapters import jose
from courier.domain import registry as registry_rules
from courier.domain.canonical import parse_canonical, parse_time, time_text
from courier.domain.envelope import MAX_ENVELOPE
from courier.domain.errors import CourierError
from courier.domain.registry import Key, Member, Registry
from courier.keys import SEALING, SIGNING, TLS

from tongban_cli.district_errors import DistrictError

FORMAT = "tongban-join/1"
#: How long a bundle may be accepted: long enough for a review, short enough that keys in it are still those in use.
DAYS = 90
_ADDRESS = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?:[0-9]{1,5}\Z")
_ISSUER = re.compile(r"https://[a-z0-9.:-]+\Z")
_AGAIN = "ask for a new one: `tongban district new` there writes it"


@dataclass(frozen=True)
class Bundle:
    """What a district says of itself."""

    member: Member
    made_at: datetime
    expires_at: datetime
    signed_with: Key

    @property
    def thumbprint(self) -> str:
        """RFC 7638, of the key that signed."""
        return jose.thumbprint(self.signed_with.public)

    @property
    def fingerprint(self) -> str:
        """What the two sides compare by telephone. A bare thumbprint may begin with "-", as options of a command line do."""
        return f"sha256:{self.thumbprint}"

    @property
    def authority(self) -> str:
        """PEM: who issues the certificates of its courier; two, one after the other, while it changes its authority."""
        return "".join(str(key.public) for key in _authorities(self.member, self.made_at))


def make(member: Member, signing_jwk: Mapping[str, Any], now: datetime) -> str:
    """The text of the file. Raises DistrictError where the facts are not fit to be shown."""
    _check_facts(member, now)
    until = now + timedelta(days=DAYS)
    payload = {"format": FORMAT, "made_at": time_text(now), "expires_at": time_text(until), "member": _payload(member)}
    document = jose.signed_document(payload, signing_jwk, signing_jwk["kid"], signing_jwk["alg"])
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def read(text: str, now: datetime, *, expected: str = "") -> Bundle:
    """The bundle in `text`; `expected`: the district it must be of. Raises DistrictError."""
    document, payload = _parsed(text)
    member = _member(payload)
    made_at, expires_at = _times(payload)
    if expected and member.code != expected:
        raise DistrictError("wrong_code", f"it is of {member.code}, not of {expected}: ask that district for its own")
    key = _signer(document, member, now)
    _check_facts(member, now)
    if now >= expires_at:
        raise DistrictError("bundle_expired", f"it could be accepted until {expires_at:%Y-%m-%d}: {_AGAIN}")
    if made_at > now + timedelta(days=1):
        raise DistrictError("bundle_not_yet", f"it was made on {made_at:%Y-%m-%d}, by this clock: compare the clocks")
    return Bundle(member, made_at, expires_at, key)


def read_accepted(text: str) -> Bundle:
    """A bundle that was accepted once, as of the day it was made: its dates were looked at then. Raises DistrictError."""
    return read(text, _times(_parsed(text)[1])[0])


def _parsed(text: str) -> tuple[Any, Any]:
    try:
        document = registry_file.parse_signed(text)
        payload = parse_canonical(jose.document_payload(document), MAX_ENVELOPE)
        if payload["format"] == FORMAT and set(payload) == {"format", "made_at", "expires_at", "member"}:
            return document, payload
    except (CourierError, KeyError, TypeError):
        pass
    raise DistrictError("not_a_bundle", "the file is no join bundle, or a part of it is missing: have it sent again")


def _member(payload: Mapping[str, Any]) -> Member:
    """The member, by the registry's own reader."""
    alone = {"format": registry_rules.FORMAT, "version": 1, "members": [payload["member"]]}
    try:
        known = registry_rules.from_payload(
            alone | {"issued_at": payload["made_at"], "expires_at": payload["expires_at"]}
        )
    except CourierError as error:
        raise DistrictError("not_a_bundle", f"its facts cannot be read ({error}): have it sent again") from None
    return next(iter(known.members.values()))


def _payload(member: Member) -> Any:
    some_day = datetime(2000, 1, 1, tzinfo=UTC)
    known = Registry(1, some_day, some_day, {member.code: member})
    return registry_rules.to_payload(known)["members"][0]


def _times(payload: Mapping[str, Any]) -> tuple[datetime, datetime]:
    return parse_time(payload["made_at"]), parse_time(payload["expires_at"])


def _signer(document: Any, member: Member, now: datetime) -> Key:
    """The signing key that it shows and is signed with, which must be in use now."""
    shown = [key for key in member.keys if key.use == SIGNING]
    signed = [key for key in shown if jose.signed_by(document, key.public, key.kid, key.alg)]
    if not signed:
        raise DistrictError(
            "bundle_altered", "the signature does not hold, so something was changed: have it sent again"
        )
    if not any(key.valid_at(now) for key in signed):
        ended = signed[-1].valid_until
        when = f"ended on {ended:%Y-%m-%d}" if ended and ended <= now else f"begins on {signed[-1].valid_from:%Y-%m-%d}"
        raise DistrictError("key_expired", f"the key that signed it {when}: {_AGAIN}")
    return next(key for key in signed if key.valid_at(now))


def _check_facts(member: Member, now: datetime) -> None:
    for wrong in _wrong_facts(member, now):
        raise DistrictError("bad_facts", f"{member.code}: {wrong}; mend it there, and {_AGAIN}")


def _wrong_facts(member: Member, now: datetime) -> list[str]:
    """Everything that would make a link impossible, or the bundle a danger."""
    found = []
    if not member.name_zh.strip() or not member.name_en.strip():
        found.append("it has no name")
    if not _ADDRESS.match(member.broker):
        found.append(f"the courier's address {member.broker!r} is not host:port")
    if not _ISSUER.match(member.issuer):
        found.append(f"the issuer {member.issuer!r} is not an https URL without a path")
    for use in (SIGNING, SEALING, TLS):
        if member.current(use, now) is None:
            found.append(f"it shows no key of use {use!r} that is valid now")
    for key in member.keys:
        if isinstance(key.public, Mapping) and "d" in key.public:
            found.append(f"it shows the private half of {key.kid}: that key must be replaced")
        elif isinstance(key.public, Mapping) and jose.thumbprint(key.public) != key.kid:
            found.append(f"the key {key.kid} is not the one its name says")
    return found or _wrong_authority(member, now)


def _wrong_authority(member: Member, now: datetime) -> list[str]:
    from cryptography import x509

    for key in _authorities(member, now):
        try:
            certificate = x509.load_pem_x509_certificate(str(key.public).encode())
        except ValueError:
            return ["its certificate authority is no certificate"]
        if certificate.not_valid_after_utc <= now:
            return [f"its certificate authority ended on {certificate.not_valid_after_utc:%Y-%m-%d}"]
    return []


def _authorities(member: Member, now: datetime) -> list[Key]:
    return [key for key in member.keys if key.use == TLS and key.valid_at(now)]
