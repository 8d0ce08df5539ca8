"""The terminal fleet's decisions, as pure functions. Those about a message from another district return None when it
changes nothing, because such a message may come late or twice.
"""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from terminal_fleet.domain.errors import InvalidKiosk, NotTheOwner, NotThisKiosk
from terminal_fleet.domain.model import Health, Kiosk, Placement

_DISTRICT = re.compile(r"\d{6}")
_ID = re.compile(r"k(\d{6})-[0-9a-f]{12}")
_VERSION = re.compile(r"[!-~]{0,64}")
_LONGEST_KEY = 4096
#: What makes a key the key that it is, by its type (RFC 7638, section 3.2; RFC 8037, section 2): words, else octets.
_MEMBERS = {"OKP": ("crv", "kty", "x"), "EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}
_WORDS = frozenset({"crv", "kty"})
#: Members of a JSON Web Key that hold a secret (RFC 7518, section 6; RFC 8037, section 2).
_SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def id_for(district: str, subject: str, key: str) -> str:
    """The id of the kiosk that `subject` registers under an idempotency key: the same again for the same request.

    So its client at identity, which is registered before the kiosk is stored, is the same one when the request repeats.
    """
    return f"k{district}-{sha256(json.dumps([district, subject, key]).encode()).hexdigest()[:12]}"


def new_kiosk(
    identifier: str, *, district: str, host: str, name: str, place: str, now: datetime, key: str = ""
) -> Kiosk:
    """A kiosk of this district. In its own hall it stands at once; a foreign host has to agree. Raises InvalidKiosk.

    `key`: the thumbprint of its key.
    """
    host = host or district
    kiosk = Kiosk(
        id=identifier,
        district=district,
        owner=district,
        host=host,
        name=name.strip(),
        place=place.strip(),
        placement=Placement.CONFIRMED if host == district else Placement.OFFERED,
        registered_at=now,
        client_id=f"kiosk-{identifier}",
        key_thumbprint=key,
    )
    check_kiosk(kiosk)
    return kiosk


def check_kiosk(kiosk: Kiosk) -> None:
    """Raises InvalidKiosk for the first field that breaks its rule."""
    named = _ID.fullmatch(kiosk.id)
    if named is None or named[1] != kiosk.owner:
        raise InvalidKiosk("id", "must name the district that owns it")
    if not _DISTRICT.fullmatch(kiosk.host):
        raise InvalidKiosk("host_district", "must be a six-digit division code")
    _check_text("name", kiosk.name, 100)
    _check_text("place", kiosk.place, 200)
    _check_software_version(kiosk.software_version)


def _check_text(field: str, text: str, longest: int) -> None:
    if not text.strip():
        raise InvalidKiosk(field, "must not be empty")
    if len(text) > longest:
        raise InvalidKiosk(field, f"must be at most {longest} characters")
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in text):
        raise InvalidKiosk(field, "must be one line of text")


def _check_software_version(version: str) -> None:
    if not _VERSION.fullmatch(version):
        raise InvalidKiosk("software_version", "must be at most 64 visible ASCII characters")


def _one_line(text: str) -> str:
    """What another district wrote, as it can be kept and shown."""
    return "".join(sign for sign in text if sign.isprintable())[:500]


def check_public_key(text: str) -> None:
    """Raises InvalidKiosk unless `text` is a JSON Web Key with a public key alone; identity checks the key itself."""
    try:
        key = json.loads(text) if len(text) <= _LONGEST_KEY else None
    except (ValueError, RecursionError):
        key = None
    if not isinstance(key, dict) or not isinstance(key.get("kty"), str):
        raise InvalidKiosk("public_jwk", "must be a JSON Web Key (RFC 7517)")
    if _SECRET_MEMBERS & set(key):
        raise InvalidKiosk("public_jwk", "must be a public key alone: the private one never leaves the kiosk")


def key_thumbprint(text: str) -> str:
    """RFC 7638 thumbprint of a JSON Web Key: the same for one key however it is written. Raises InvalidKiosk.

    Octets are compared, not their base64url: its last character leaves bits open.
    """
    check_public_key(text)
    key = json.loads(text)
    try:
        shown = {name: key[name] if name in _WORDS else _octets(key[name]) for name in _MEMBERS[key["kty"]]}
    except (KeyError, TypeError, ValueError):
        raise InvalidKiosk("public_jwk", "must be a whole key of the type OKP, EC or RSA (RFC 7638)") from None
    canonical = json.dumps(shown, separators=(",", ":"), sort_keys=True)
    return _base64url(sha256(canonical.encode()).digest())


def _octets(text: str) -> str:
    return _base64url(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def placement_refused(kept: Kiosk | None, offered: Kiosk, district: str) -> str:
    """Why this district would not host the kiosk that its owner offers; empty if it would."""
    if offered.host != district:
        return "it is not to stand in this district"
    if kept is not None and not kept.is_copy:
        return "this district owns a kiosk with this id"
    return ""


def must_own(kiosk: Kiosk, sender: str) -> None:
    """Raises NotTheOwner unless `sender` owns the kiosk."""
    if kiosk.owner != sender:
        raise NotTheOwner(sender)


def hosted(offered: Kiosk, district: str) -> Kiosk:
    """The copy that the host keeps of a kiosk it agreed to."""
    copy = replace(offered, district=district, placement=Placement.CONFIRMED)
    return replace(copy, client_id="", key_thumbprint="", offer_id="")


def placed(kiosk: Kiosk, sender: str, confirmed: bool, reason: str) -> Kiosk | None:
    """The kiosk after its host's answer; only the host's first answer counts."""
    if kiosk.is_copy or kiosk.host != sender or kiosk.placement is not Placement.OFFERED:
        return None
    state = Placement.CONFIRMED if confirmed else Placement.DECLINED
    return kiosk.changed(placement=state, placement_reason=_one_line(reason), offer_id="")


def refused(kiosk: Kiosk, message_id: str, peer: str, code: str) -> Kiosk:
    """The kiosk after `peer` refused a message about it: an offer that failed is declined; in any case somebody looks."""
    note = f"{peer}: {code}"
    if message_id and message_id == kiosk.offer_id:
        declined = {"placement": Placement.DECLINED, "placement_reason": code, "offer_id": ""}
        return kiosk.changed(**declined, attention=note)
    return kiosk.changed(attention=note)


def beaten(kiosk: Kiosk, *, client_id: str, sequence: int, software_version: str, now: datetime) -> Kiosk | None:
    """The kiosk after a heartbeat of its own client; None for one that is older than the last. Raises NotThisKiosk."""
    if kiosk.is_copy or not client_id or kiosk.client_id != client_id:
        raise NotThisKiosk
    if sequence < 1:
        raise InvalidKiosk("sequence", "must count from 1")
    _check_software_version(software_version)
    if sequence <= kiosk.sequence:
        return None
    after = replace(kiosk, sequence=sequence, last_heartbeat_at=now, software_version=software_version)
    if kiosk.health is Health.ONLINE and kiosk.software_version == software_version:
        return after
    return after.changed(health=Health.ONLINE)


def silent_since(now: datetime, silent_after_s: float) -> datetime:
    """A kiosk whose last heartbeat came before this moment is silent."""
    return now - timedelta(seconds=silent_after_s)


def fallen_silent(kiosk: Kiosk, before: datetime) -> Kiosk | None:
    """The kiosk as silent, if it was online and its last heartbeat came before `before`."""
    if kiosk.health is not Health.ONLINE or kiosk.last_heartbeat_at is None or kiosk.last_heartbeat_at >= before:
        return None
    return kiosk.changed(health=Health.SILENT)


def reported(copy: Kiosk, health: Health, last_heartbeat_at: datetime | None, version: int) -> Kiosk | None:
    """The host's copy after the owner's report; an older one than it knows changes nothing. Raises InvalidKiosk."""
    if (health is Health.NEVER_SEEN) != (last_heartbeat_at is None):
        raise InvalidKiosk("last_heartbeat_at", "must be given for a kiosk that was seen, and only then")
    if version <= copy.version:
        return None
    return replace(copy, health=health, last_heartbeat_at=last_heartbeat_at, version=version)


def is_worth_reporting(before: Kiosk | None, after: Kiosk) -> bool:
    """Whether the host hears of a change: of its health, or of all it missed once it agreed to the place."""
    if not after.is_hosted_elsewhere or after.placement is not Placement.CONFIRMED:
        return False
    was_placed = before is not None and before.placement is Placement.CONFIRMED
    seen = Health.NEVER_SEEN if before is None or not was_placed else before.health
    return after.health is not seen
