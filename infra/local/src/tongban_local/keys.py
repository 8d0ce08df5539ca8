"""Keys and passwords of one district, made once and kept in files that only the runtime account reads."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from joserfc.jwk import KeySet, OKPKey
from tongban_broker.bus import Bus
from tongban_broker.definitions import Accounts
from tongban_database.roles import BESIDE_THE_BUS, Credentials, owners

from tongban_local.account import keep_file

#: The people of the samples (identity's samples.yaml); their passwords are made here, never kept in git.
PEOPLE = (
    *("citizen", "clerk", "operator", "agent", "fleet", "publisher"),
    *("citizen2", "english", "representative", "handler"),
)


def password() -> str:
    """Random, and free of characters that would need quoting anywhere."""
    return secrets.token_hex(24)


@dataclass(frozen=True)
class Secrets:
    """Every password of one district."""

    broker: Mapping[str, str] = field(repr=False)
    database: Mapping[str, Credentials] = field(repr=False)
    field_keys: Mapping[str, str] = field(repr=False)
    #: What the district's services and its courier share (chassis.sealed.TransitSeal).
    transit_key: str = field(repr=False)
    people: Mapping[str, str] = field(repr=False)
    trial: str = field(repr=False)
    monitor: str = field(repr=False)
    admin: str = field(repr=False)

    @classmethod
    def make(cls, bus: Bus) -> Secrets:
        return cls(
            broker={user: password() for user in bus.users},
            database={service: Credentials(password(), password()) for service in owners(bus.servers)},
            field_keys={
                name: base64.b64encode(secrets.token_bytes(32)).decode() for name in (*bus.users, *BESIDE_THE_BUS)
            },
            transit_key=base64.b64encode(secrets.token_bytes(32)).decode(),
            people={person: password() for person in PEOPLE},
            trial=password(),
            monitor=password(),
            admin=password(),
        )

    @classmethod
    def kept(cls, path: Path, bus: Bus) -> Secrets:
        """Those in `path`; what a newer bus adds is made and added."""
        fresh = cls.make(bus)
        if path.exists():
            fresh = cls.of(json.loads(path.read_text()), fresh)
        keep_file(path, json.dumps(fresh.as_json(), indent=1))
        return fresh

    @classmethod
    def of(cls, known: Mapping[str, Any], fresh: Secrets) -> Secrets:
        database = {service: Credentials(**pair) for service, pair in known["database"].items()}
        return cls(
            broker={**fresh.broker, **known["broker"]},
            database={**fresh.database, **database},
            field_keys={**fresh.field_keys, **known["field_keys"]},
            transit_key=known.get("transit_key", fresh.transit_key),
            people={**fresh.people, **known["people"]},
            trial=known["trial"],
            monitor=known["monitor"],
            admin=known["admin"],
        )

    def as_json(self) -> dict[str, Any]:
        pairs = {service: {"owner": c.owner, "runtime": c.runtime} for service, c in self.database.items()}
        names = ("broker", "field_keys", "transit_key", "people", "trial", "monitor", "admin")
        return {"database": pairs, **{name: getattr(self, name) for name in names}}

    def accounts(self, peers: tuple[str, ...] = (), *, trial: bool, admin: bool) -> Accounts:
        """What the broker is told of it."""
        return Accounts(self.broker, peers, self.trial if trial else None, self.monitor, self.admin if admin else None)


def okp_key(path: Path, curve: Literal["Ed25519", "X25519"] = "Ed25519") -> OKPKey:
    """The key in `path` (a private JWK, RFC 8037), made if it is not there; its id is its thumbprint (RFC 7638)."""
    if path.exists():
        return OKPKey.import_key(json.loads(path.read_text()))
    key = OKPKey.generate_key(curve, private=True)
    key.ensure_kid()
    keep_file(path, json.dumps(key.as_dict(private=True)))
    return key


def write_key_set(path: Path, *keys: OKPKey) -> Path:
    """The public halves as a JWKS file."""
    keep_file(path, json.dumps(KeySet(list(keys)).as_dict(private=False)), mode=0o644)
    return path


def portal_party(portal: str, key: OKPKey) -> dict[str, Any]:
    """The portal at that https address, as identity's file of relying parties has it."""
    return {
        "client_id": "portal",
        "name": {"zh": "本地区的网上办事大厅", "en": "the district's pages"},
        "redirect_uris": [f"{portal}/signed-in"],
        "post_logout_redirect_uris": [f"{portal}/signed-out"],
        "backchannel_logout_uri": f"{portal}/backchannel-logout",
        "scopes": ["openid", "profile", "offline_access", "api"],
        "jwks": {"keys": [key.as_dict(private=False)]},
    }
