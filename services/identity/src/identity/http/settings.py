"""Settings of the web process, from `TONGBAN_…` in the environment; see README, Settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from chassis.edge import Networks
from chassis.sealed import FieldKeys
from chassis.settings import secret

from identity.adapters.proofing import SOURCES, TRIAL_ONLY
from identity.adapters.sealing import pairwise_key
from identity.domain.model import Assurance


@dataclass(frozen=True, kw_only=True)
class HttpSettings:
    #: Six-digit division code (GB/T 2260) of this district.
    district: str
    service_name: str = "identity"
    database_url: str = secret()
    #: Keys of 32 octets in base64, separated by commas, the same as the bus process has; so is the next.
    field_key: FieldKeys = secret()
    pairwise_key: str = field(default="", repr=False)
    #: Private keys that tokens are signed with: a JWK, or a JWKS of which the first signs and all are published.
    signing_keys: Path
    #: Our own https URL, as it stands in `iss`; no path.
    issuer: str
    #: Files with the relying parties that are no peers (adapters/relying_parties.py), separated by commas; unset: there are none.
    relying_parties: tuple[str, ...] = ()
    #: Seconds between two questions whether a home's session still stands, and of silence after which ours ends.
    home_confirm_s: float = 180.0
    home_silence_s: float = 900.0
    #: The strongest assurance (L2 to L5) that is taken from another district; what a home says is never raised.
    peers_acr_limit: str = Assurance.L5.value
    #: host:port that HTTPS is served on, with its certificate and key.
    listen_address: str
    tls_certificate: Path
    tls_key: Path
    #: Certificate authority that relying parties' certificates are checked with.
    ca_file: Path
    #: Base URL of an OTLP/HTTP collector; empty: spans stay here.
    otlp_endpoint: str = ""
    #: host:port of /livez, /readyz and /metrics without TLS, for probes and Prometheus; empty: the first two over HTTPS only.
    health_address: str = ""
    #: Proxies that stand before this process, as networks separated by commas: whom they serve is read from X-Forwarded-For. Unset: nobody.
    trusted_proxies: Networks = Networks()  # noqa: RUF009  immutable
    #: Password verifications at once; each takes a core for some 30 ms and 19 MiB.
    verifications: int = 2
    #: Who says whether people are who they claim to be (adapters/proofing.py): none, or a source.
    proofing: str = "none"
    #: Settings of a test or a trial, as the services have it.
    trial: bool = False

    def __post_init__(self) -> None:
        pairwise_key(self.field_key, self.pairwise_key)
        if self.proofing not in SOURCES:
            raise ValueError(f"TONGBAN_PROOFING: must be one of {', '.join(SOURCES)}")
        if self.proofing in TRIAL_ONLY and not self.trial:
            raise ValueError(
                f"TONGBAN_PROOFING: {self.proofing} proves nothing about a real person; it needs TONGBAN_TRIAL=true"
            )
        if not self.issuer.startswith("https://") or self.issuer.count("/") != 2:
            raise ValueError("TONGBAN_ISSUER: must be an https URL without a path")
        if self.peers_acr_limit not in set(Assurance):
            raise ValueError("TONGBAN_PEERS_ACR_LIMIT: must be L2, L3, L4 or L5")
        if not 1 <= self.home_confirm_s < self.home_silence_s:
            raise ValueError("TONGBAN_HOME_CONFIRM_S: must be at least 1 and below TONGBAN_HOME_SILENCE_S")
