"""Settings of the portal, from `TONGBAN_…` in the environment; see README, Settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chassis.sealed import FieldKeys
from chassis.settings import secret


@dataclass(frozen=True, kw_only=True)
class Settings:
    #: Six-digit division code (GB/T 2260) of this district.
    district: str
    service_name: str = "portal"
    database_url: str = secret()
    #: Keys of 32 octets in base64, separated by commas: the first seals people's tokens at rest, every one opens them.
    field_key: FieldKeys = secret()
    #: Private key (JWK) that we show who we are with at identity; its public half stands in identity's file of relying parties.
    portal_key: Path
    #: Our own https URL without a path.
    portal_url: str
    #: Base URL of this district's public API.
    gateway_url: str
    #: This district's identity, as it stands in `iss`: an https URL without a path.
    issuer: str
    #: JSON file of the districts that pages name and link to; see portal.districts.
    districts: Path
    #: host:port that HTTPS is served on, with its certificate and key.
    listen_address: str
    tls_certificate: Path
    tls_key: Path
    #: Certificate authority that the gateway's and the issuer's certificates are checked with.
    ca_file: Path
    #: Base URL of an OTLP/HTTP collector; empty: spans stay here.
    otlp_endpoint: str = ""
    #: host:port of /livez, /readyz and /metrics without TLS, for probes and Prometheus; empty: the first two over HTTPS only.
    health_address: str = ""

    def __post_init__(self) -> None:
        for name in ("portal_url", "issuer"):
            value = getattr(self, name)
            if not value.startswith("https://") or value.count("/") != 2:
                raise ValueError(f"TONGBAN_{name.upper()}: must be an https URL without a path")
        if not self.gateway_url.startswith("https://"):
            raise ValueError("TONGBAN_GATEWAY_URL: must be an https URL")
