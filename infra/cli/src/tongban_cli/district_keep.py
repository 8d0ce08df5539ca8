"""What a district must not show: keys, passwords and its certificate authority, made once and kept in a folder outside git.

    <folder>/courier.jwks, edge.jwk, identity.jwk     private keys
    <folder>/edge-other.jwk, identity-other.jwk       while they are changed (district_rotation): the one that is not used
    <folder>/passwords.json                           of broker and database, and the keys of data at rest
    <folder>/tls/                                     an authority of the district's own, where it has no other
    <folder>/tls/other/                               while it is changed: the one that issues nothing

Every file is for its owner alone.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chassis.sealed import FieldKey, FieldKeys
from courier import keys
from courier.domain.registry import Key
from identity.adapters.sealing import pairwise_key
from joserfc.jwk import KeySet, OKPKey
from tongban_broker.bus import Bus
from tongban_database.roles import BESIDE_THE_BUS, owner_role, owners, runtime_role
from tongban_local.certificates import Authority, Pair
from tongban_local.checkout import BUILD, ROOT
from tongban_local.keys import password, portal_party

from tongban_cli.district_errors import DistrictError

#: Passwords by the Secret that holds them (charts/district, `secrets`), then by its key.
Passwords = dict[str, dict[str, str]]
#: What else stands beside the services' keys: shared by all of them, and what other districts' names for our people are made with.
NO_FIELD_KEYS = ("transit", "pairwise")
#: A certificate that ends sooner is issued again.
_RENEW = timedelta(days=30)
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?")


def default_folder(code: str) -> Path:
    """$TONGBAN_KEEP/<code>, or build/districts/<code>, which git ignores."""
    told = os.environ.get("TONGBAN_KEEP")
    return (Path(told) if told else BUILD / "districts") / code


class Keep:
    """One district's folder; making the object makes nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        if self.folder.is_relative_to(ROOT) and not self.folder.is_relative_to(BUILD):
            raise DistrictError(
                "keep_in_git", f"{folder} is in the checkout: keep keys where git does not look (--keep)"
            )
        self.courier_keys = self.folder / "courier.jwks"
        #: The certificate of an authority that is not the district's own, where there is one.
        self.other_authority = self.folder / "tls-ca.pem"
        self._passwords = self.folder / "passwords.json"

    def exists(self) -> bool:
        return self.courier_keys.exists()

    def make(self, now: datetime) -> None:
        """Every key of a district, unless it is there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        keys.make_district_keys(self.courier_keys, now)
        for name in ("edge", "identity"):
            self._okp(name)

    def signing_key(self) -> dict[str, Any]:
        """The newest key that the district signs with, private."""
        return [key for key in keys.read_district_keys(self.courier_keys) if key["use"] == keys.SIGNING][-1]

    def public_keys(self) -> list[Key]:
        return keys.public_keys(self.courier_keys)

    def edge_keys(self) -> tuple[str, str]:
        """edge.jwk and edge.jwks: what the gateway signs with, and what every service checks it with."""
        shown = KeySet([self._okp("edge"), *self._others("edge")])
        return self._text("edge.jwk"), json.dumps(shown.as_dict(private=False))

    def identity_key(self) -> str:
        """identity.jwk: a JWK, or while it is changed a JWKS, whose first key signs."""
        keys_of_it = [self._okp("identity"), *self._others("identity")]
        if len(keys_of_it) == 1:
            return self._text("identity.jwk")
        return json.dumps({"keys": [key.as_dict(private=True) for key in keys_of_it]})

    def portal_keys(self, portal: str) -> tuple[str, str]:
        """portal.jwk, and relying-parties.json with its public half for the portal at `portal`."""
        key = self._okp("portal")
        return self._text("portal.jwk"), json.dumps([portal_party(portal, key)], ensure_ascii=False, indent=1)

    # What `tongban district rotate` does to them (district_rotation) ---------------------------------------------------

    def add_other(self, name: str) -> None:
        """A second key beside edge.jwk or identity.jwk, known and not used."""
        self._okp(f"{name}-other")

    def swap(self, name: str) -> None:
        """The one that was known is used, and the one that was used is known."""
        used, known = (self._text(f"{part}.jwk") for part in (name, f"{name}-other"))
        write_private(self.folder / f"{name}.jwk", known)
        write_private(self.folder / f"{name}-other.jwk", used)

    def drop_other(self, name: str) -> None:
        (self.folder / f"{name}-other.jwk").unlink()

    def _others(self, name: str) -> list[OKPKey]:
        return [self._okp(f"{name}-other")] if (self.folder / f"{name}-other.jwk").exists() else []

    @staticmethod
    def fresh_key() -> str:
        """32 octets in base64."""
        return _key()

    def transit_keys(self, bus: Bus) -> list[str]:
        """The first one seals, every one opens (chassis.sealed.TransitSeal)."""
        return self.passwords(bus)["fieldKeys"]["transit"].split(",")

    def set_transit_keys(self, bus: Bus, found: Sequence[str]) -> None:
        kept = self.passwords(bus)
        kept["fieldKeys"]["transit"] = ",".join(found)
        write_private(self._passwords, json.dumps(kept, indent=1))

    def change_field_keys(self, bus: Bus, change: Callable[[list[str]], list[str]]) -> None:
        """What `change` makes of each service's keys of data at rest: the first seals, every one opens (chassis.sealed.FieldKeys)."""
        kept = self.passwords(bus)
        for name, text in kept["fieldKeys"].items():
            if name not in NO_FIELD_KEYS:
                kept["fieldKeys"][name] = ",".join(change(text.split(",")))
        write_private(self._passwords, json.dumps(kept, indent=1))

    @staticmethod
    def fresh_field_key() -> str:
        """With its id, which what it seals names."""
        return FieldKey(secrets.token_bytes(32)).as_text()

    def renew_passwords(self, bus: Bus) -> None:
        """New ones for every broker user and every database role, but the database's superuser: that one is set once."""
        kept = self.passwords(bus)
        known = {"fieldKeys": kept["fieldKeys"], "database": {"postgres": kept["database"]["postgres"]}}
        write_private(self._passwords, json.dumps(fresh_passwords(bus, known), indent=1))

    def courier_key_set(self) -> str:
        return self.courier_keys.read_text()

    def _okp(self, name: str) -> OKPKey:
        path = self.folder / f"{name}.jwk"
        if not path.exists():
            key = OKPKey.generate_key("Ed25519", private=True)
            key.ensure_kid()
            write_private(path, json.dumps(key.as_dict(private=True)))
        return OKPKey.import_key(json.loads(path.read_text()))

    def _text(self, name: str) -> str:
        return (self.folder / name).read_text()

    def passwords(self, bus: Bus) -> Passwords:
        """Those that are kept; what a newer bus adds is made and kept with them."""
        known = json.loads(self._passwords.read_text()) if self._passwords.exists() else {}
        found = fresh_passwords(bus, known)
        if found != known:
            write_private(self._passwords, json.dumps(found, indent=1))
        return found

    # Certificates -----------------------------------------------------------------------------------------------------

    @property
    def has_authority(self) -> bool:
        """Whether the district's own authority issues: another's certificates are another's to issue."""
        return not self.other_authority.exists() and (self.folder / "tls" / "authority-key.pem").exists()

    @property
    def is_followed(self) -> bool:
        """Whether the next authority of its own is known already, or the last one is still."""
        return self._other_own.exists()

    def issuers(self, code: str) -> list[str]:
        """Who issues its couriers' certificates, each as PEM: another's authorities, or its own, which is made if need be.

        Two while one follows the other. All are believed.
        """
        if self.other_authority.exists():
            return _CERTIFICATE.findall(self.other_authority.read_text())
        own = [Authority(self.folder / "tls", f"tongban district {code}")]
        if self._other_own.exists():
            own.append(Authority(self._other_own, f"tongban district {code}"))
        return [authority.certificate.read_text() for authority in own]

    def authority(self, code: str) -> str:
        """Whom to believe about its own certificates, as PEM."""
        return "".join(self.issuers(code))

    @property
    def _other_own(self) -> Path:
        return self.folder / "tls" / "other"

    def add_authority(self, code: str) -> None:
        """A second one of its own, believed and not used."""
        Authority(self._other_own, f"tongban district {code}")

    def swap_authorities(self) -> None:
        """The second one issues from now on, and everything anew."""
        for name in ("authority.pem", "authority-key.pem"):
            used, known = ((folder / name).read_text() for folder in (self.folder / "tls", self._other_own))
            write_private(self.folder / "tls" / name, known)
            write_private(self._other_own / name, used)
        self.renew_certificates()

    def drop_authority(self) -> None:
        shutil.rmtree(self._other_own)

    def renew_certificates(self) -> None:
        """Whatever the own authority issued is issued again, with new keys, when it is asked for next."""
        for path in (self.folder / "tls").glob("*.pem"):
            if not path.name.startswith("authority"):
                path.unlink()

    def certificate(
        self, name: str, code: str, *, names: tuple[str, ...] = (), common_name: str = ""
    ) -> tuple[str, str]:
        """Certificate and key as PEM: for a server at `names`, or for a client called `common_name`."""
        authority = Authority(self.folder / "tls", f"tongban district {code}")
        pair = Pair.at(self.folder / "tls", f"{name}-{_digest(names)}" if names else name)
        if pair.exists() and ends(pair.certificate.read_text()) < datetime.now(UTC) + _RENEW:
            pair.certificate.unlink()
        made = authority.server(pair, *names) if names else authority.client(pair, common_name)
        return made.certificate.read_text(), made.key.read_text()


def fresh_passwords(bus: Bus, known: Mapping[str, Mapping[str, str]]) -> Passwords:
    """Random ones, save those that are known."""
    roles = [role(service) for service in owners(bus.servers) for role in (owner_role, runtime_role)]
    made = {
        "broker": {user: password() for user in bus.users},
        "database": {role: password() for role in (*roles, "postgres")},
        "fieldKeys": {name: _key() for name in (*bus.users, *BESIDE_THE_BUS, "transit")},
    }
    found = {thing: {**fresh, **known.get(thing, {})} for thing, fresh in made.items()}
    if "pairwise" not in found["fieldKeys"]:
        # What identity makes by itself as long as it has no other: kept before the first field key is changed.
        made_of = FieldKeys.of(found["fieldKeys"]["identity"])
        found["fieldKeys"]["pairwise"] = base64.b64encode(pairwise_key(made_of, "")).decode()
    return found


def ends(certificate_pem: str) -> datetime:
    """When a certificate is over."""
    from cryptography import x509

    return x509.load_pem_x509_certificate(certificate_pem.encode()).not_valid_after_utc


def write_private(path: Path, text: str) -> None:
    """A file for its owner alone, whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    fresh.replace(path)


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _digest(names: tuple[str, ...]) -> str:
    import hashlib

    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:8]
