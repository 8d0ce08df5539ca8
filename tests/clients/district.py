"""A district's identity over HTTPS for other people's software: the real process, sample accounts, and the relying parties' file."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chassis.clock import SystemClock, new_id
from chassis.database import Database
from chassis.sealed import FieldKeys
from identity import samples
from identity.adapters.sealing import Sealing
from identity.adapters.storage import Storage
from joserfc.jwk import ECKey, OKPKey
from tongban_local.account import keep_file, own, own_folder
from tongban_local.certificates import Authority, Pair
from tongban_local.ports import free_port

from services.identity.tests.factories import GUSU, HUANGPU, PASSWORD, a_member, a_registry
from tests.support.engines import Engines, test_address
from tests.support.services import ServiceProcess, start_service

__all__ = ["GUSU", "HUANGPU", "PASSWORD", "District", "Ground", "a_district", "host_of", "new_origin"]


@dataclass
class Ground:
    """What the districts and sites of one test module share: a folder of the unprivileged account, and an authority."""

    folder: Path
    engines: Engines = field(repr=False)

    @classmethod
    def of(cls, engines: Engines) -> Ground:
        return cls(own_folder(engines.district.folder / f"clients-{new_id()}"), engines)

    @property
    def authority(self) -> Authority:
        return Authority(self.folder / "authority")

    def certified(self, host: str, name: str) -> Pair:
        pair = self.authority.server(Pair.at(self.folder, name), host)
        own(self.folder)
        return pair

    def keep(self, name: str, value: Any) -> Path:
        """A file that the unprivileged account reads."""
        keep_file(self.folder / name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        return self.folder / name


def new_origin() -> str:
    """Where something of its own is to listen; cookies are kept apart by the address, not by the port."""
    host = test_address()
    return f"https://{host}:{free_port(host)}"


def host_of(origin: str) -> str:
    return origin.removeprefix("https://").rpartition(":")[0]


@dataclass
class District:
    """One running provider."""

    code: str
    issuer: str
    database_url: str = field(repr=False)
    field_key: str = field(repr=False)
    process: ServiceProcess = field(repr=False)

    def know(self, *issuers: tuple[str, str]) -> None:
        """Installs a signed registry of districts: code and issuer of each, this one among them."""
        members = [a_member(code, issuer=issuer) for code, issuer in ((self.code, self.issuer), *issuers)]
        database = Database(self.database_url)
        try:
            with database.transaction() as connection:
                Storage(connection, Sealing(FieldKeys.of(self.field_key))).registry.keep(
                    1, a_registry(*members), SystemClock().now()
                )
        finally:
            database.close()


@contextmanager
def a_district(
    ground: Ground, parties: Sequence[Mapping[str, Any]], code: str = GUSU, issuer: str = "", **settings: str
) -> Iterator[District]:
    """`python -m identity.http` of district `code`, with these rows as its relying parties."""
    issuer = issuer or new_origin()
    database = ground.engines.fresh_database("identity")
    field_key = base64.b64encode(code.encode().ljust(32, b"k")).decode()
    keys: tuple[OKPKey | ECKey, ...] = (
        OKPKey.generate_key("Ed25519", {"kid": f"identity {code}"}),
        ECKey.generate_key("P-256", {"kid": f"es {code}"}),
    )
    private = {"keys": [dict(key.as_dict(private=True)) for key in keys]}
    pair = ground.certified(host_of(issuer), f"identity-{code}")
    told = samples.Settings(database_url=database.url, field_key=FieldKeys.of(field_key))
    people = list(samples.read_samples())
    samples.load(told, people, {sample.login: PASSWORD for sample in people})
    environ = {
        "DISTRICT": code,
        "DATABASE_URL": database.url,
        "FIELD_KEY": field_key,
        "SIGNING_KEYS": str(ground.keep(f"{code}.jwks", private)),
        "RELYING_PARTIES": str(ground.keep(f"{code}-parties.json", list(parties))),
        "ISSUER": issuer,
        "LISTEN_ADDRESS": issuer.removeprefix("https://"),
        "TLS_CERTIFICATE": str(pair.certificate),
        "TLS_KEY": str(pair.key),
        "CA_FILE": str(ground.authority.certificate),
    }
    extra = {f"TONGBAN_{name}": value for name, value in environ.items()} | settings
    process = start_service(ground.engines, "identity", None, extra, "identity.http")
    try:
        yield District(code, issuer, database.url, field_key, process)
    finally:
        process.stop()
