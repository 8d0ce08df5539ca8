"""The Secrets that a district's README lists, made for a test as the local runtime makes its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from courier import keys
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from joserfc.jwk import KeySet
from tongban_broker.bus import Bus
from tongban_database.roles import owner_role, runtime_role
from tongban_local.certificates import Authority, Pair
from tongban_local.keys import Secrets, okp_key, password, portal_party

from tests.deploy.container import Secrets as NodeSecrets


def make(code: str, folder: Path, authority: Authority, root: Path, *, login: str = "") -> NodeSecrets:
    """By name; `root` is the folder of the alliance's root key."""
    bus, release = Bus.load(), f"d{code}"
    folder.mkdir(parents=True, exist_ok=True)
    made = Secrets.make(bus)
    portal = okp_key(folder / "portal.jwk")
    edge, identity = okp_key(folder / "edge.jwk"), okp_key(folder / "identity.jwk")
    database = {"postgres": password()}
    for service, pair in made.database.items():
        database |= {owner_role(service): pair.owner, runtime_role(service): pair.runtime}
    public = [f"{release}-{name}" for name in ("gateway", "identity-http", "portal")]
    names = [*public, *(f"{name}.{release}.svc" for name in public)]
    found: dict[str, dict[str, Any]] = {
        "broker": dict(made.broker),
        "database": database,
        "field-keys": {**made.field_keys, "transit": made.transit_key},
        "edge-key": {"edge.jwk": json.dumps(edge.as_dict(private=True))},
        "edge-keys": {"edge.jwks": json.dumps(KeySet([edge]).as_dict(private=False))},
        "identity-keys": {"identity.jwk": json.dumps(identity.as_dict(private=True))},
        "portal-keys": {
            "portal.jwk": json.dumps(portal.as_dict(private=True)),
            "relying-parties.json": json.dumps([portal_party(f"https://{release}-portal:8443", portal)]),
        },
        "courier-keys": _courier(folder, root),
        "edge-tls": _server(authority, folder, "edge", names),
        "courier-server-tls": _server(
            authority, folder, "courier-server", [f"{release}-broker", f"{release}-courier-inbox.{release}.svc"]
        ),
        "courier-client-tls": _client(authority, folder, f"courier.{code}"),
        "courier-local-tls": _client(authority, folder, "courier.local"),
    }
    if login:
        found["test"] = {"login": login, "password": made.people[login]}
        (folder / "people.json").write_text(json.dumps(dict(made.people)))
    return {
        f"{release}-{name}": {key: value if isinstance(value, bytes) else value.encode() for key, value in rows.items()}
        for name, rows in found.items()
    }


def _courier(folder: Path, root: Path) -> dict[str, bytes]:
    keys.make_root(root)
    keys.make_district_keys(folder / "courier.jwks", datetime.now(UTC).replace(microsecond=0))
    return {"courier.jwks": (folder / "courier.jwks").read_bytes(), "root.jwk": (root / "root.pub.jwk").read_bytes()}


def _server(authority: Authority, folder: Path, name: str, hosts: Sequence[str]) -> dict[str, bytes]:
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    return _told(authority, authority._issue(Pair.at(folder, name), hosts[0], ExtendedKeyUsageOID.SERVER_AUTH, names))


def _client(authority: Authority, folder: Path, name: str) -> dict[str, bytes]:
    return _told(authority, authority.client(Pair.at(folder, name), name))


def _told(authority: Authority, pair: Pair) -> dict[str, bytes]:
    return {
        "tls.crt": pair.certificate.read_bytes(),
        "tls.key": pair.key.read_bytes(),
        "ca.crt": authority.certificate.read_bytes(),
    }
