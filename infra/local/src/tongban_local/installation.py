"""One district as it is installed in an environment: engines, certificates, keys, addresses and folders."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tongban_local.account import keep_file, own, own_folder
from tongban_local.certificates import Authority, Pair
from tongban_local.district import District
from tongban_local.districts import DistrictFacts, known_districts, linked_to
from tongban_local.engines import CourierListener
from tongban_local.keys import okp_key, portal_party


@dataclass
class Installation:
    """Everything of one district that the environment in `environment` made for it; made once, kept ever after."""

    environment: Path
    facts: DistrictFacts
    host: str
    admin: bool = False

    def __post_init__(self) -> None:
        self.folder = own_folder(self.environment / self.facts.code)
        self.district = District(
            self.facts.code,
            self.host,
            self.folder,
            self.environment,
            admin=self.admin,
            peers=linked_to(self.facts),
        )
        self._make_certificates()
        self._make_files()
        listener = CourierListener(
            self.district.port("courier"), self.authority, self.server.certificate, self.server.key
        )
        self.district.courier = listener

    def _make_certificates(self) -> None:
        authority = Authority(self.environment / "authority")
        folder = self.folder / "tls"
        self.authority = folder / "authority.pem"
        own_folder(folder)
        keep_file(self.authority, authority.certificate.read_text(), mode=0o644)
        self.server = authority.server(Pair.at(folder, "server"), self.host)
        self.courier_client = authority.client(Pair.at(folder, "courier"), f"courier.{self.facts.code}")
        self.courier_local = authority.client(Pair.at(folder, "courier-local"), "courier.local")
        own(folder, self.environment / "authority")

    def _make_files(self) -> None:
        for part in ("logs", "spans", "mail"):
            own_folder(self.folder / part)
        self.trace_token = self.folder / "keys" / "trace-token"
        if not self.trace_token.exists():
            keep_file(self.trace_token, secrets.token_urlsafe(32))
        okp_key(self.folder / "keys" / "identity.jwk")
        if not self.relying_parties.exists():
            keep_file(self.relying_parties, "[]")
        okp_key(self.portal_key)
        own(self.folder / "keys")

    @property
    def code(self) -> str:
        return self.facts.code

    @property
    def gateway(self) -> str:
        """Base URL of the public API."""
        return f"https://{self.district.address('gateway')}"

    @property
    def issuer(self) -> str:
        """This district's identity, as it stands in `iss`."""
        return f"https://{self.district.address('identity_http')}"

    @property
    def portal(self) -> str:
        """This district's web pages."""
        return f"https://{self.district.address('portal')}"

    @property
    def portal_key(self) -> Path:
        """What the portal shows identity who it is with."""
        return self.folder / "keys" / "portal.jwk"

    @property
    def portal_party(self) -> Path:
        """What identity knows the portal by."""
        return self.folder / "portal_party.json"

    @property
    def districts(self) -> Path:
        """The districts that the portal names and links to."""
        return self.folder / "districts.json"

    @property
    def spans_url(self) -> str:
        """Where this district's spans go, and where its trace source answers."""
        return f"http://{self.district.address('spans')}"

    @property
    def relying_parties(self) -> Path:
        """The relying parties of this district's identity; made empty, and kept as it is written."""
        return self.folder / "relying_parties.json"

    @property
    def courier_keys(self) -> Path:
        """The file with the private keys of this district's courier."""
        return self.folder / "keys" / "courier.jwks"

    @property
    def courier_address(self) -> str:
        """host:port of the AMQPS listener that peers deliver to."""
        return self.district.address("courier")

    @property
    def mail_folder(self) -> Path:
        """Where the local SMTP server keeps what services send."""
        return self.folder / "mail"

    def log(self, process: str) -> Path:
        return self.folder / "logs" / f"{process}.log"


def introduce_portals(places: Sequence[Installation]) -> None:
    """Tells each identity of its portal, and each portal which districts there are and whose pages it may lead to."""
    by_code = {place.code: place for place in places}
    for here in places:
        keep_file(
            here.portal_party,
            json.dumps([portal_party(here.portal, okp_key(here.portal_key))], ensure_ascii=False, indent=1),
        )
        rows = []
        for code, facts in known_districts().items():
            row = {"code": code, "name_zh": facts.name_zh, "name_en": facts.name_en}
            there = by_code.get(code)
            if there is not None and (there is here or here.facts.is_linked(facts)):
                row |= {"portal": there.portal, "issuer": there.issuer}
            rows.append(row)
        keep_file(here.districts, json.dumps(rows, ensure_ascii=False, indent=1))
