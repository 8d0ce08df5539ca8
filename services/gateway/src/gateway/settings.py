"""Settings of the gateway, from `TONGBAN_…` in the environment; see README, Settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chassis.edge import Networks
from chassis.settings import secret


@dataclass(frozen=True, kw_only=True)
class Settings:
    #: Six-digit division code (GB/T 2260) of this district.
    district: str
    #: The gateway's broker user, checked by the broker on every call.
    service_name: str = "gateway"
    amqp_url: str = secret()
    #: Private key (JWK with `kid`, or a JWKS whose first key signs) that assertions for the bus are signed with.
    edge_key: Path
    #: host:port that HTTPS is served on, with its certificate and key.
    listen_address: str
    tls_certificate: Path
    tls_key: Path
    #: Certificate authority that the issuer's and the trace source's certificates are checked with.
    ca_file: Path
    #: This district's identity, as it stands in `iss`: an https URL.
    issuer: str
    #: Base URL of the district's trace source; empty: `trace` answers without spans.
    trace_source_url: str = ""
    #: Bearer token for the trace source; as `…_FILE` the path of a file that holds it.
    trace_source_token: str = ""
    #: Base URL of an OTLP/HTTP collector; empty: spans stay here.
    otlp_endpoint: str = ""
    #: host:port of /livez, /readyz and /metrics without TLS, for probes and Prometheus; empty: the first two over HTTPS only.
    health_address: str = ""
    #: Proxies that stand before this process, as networks separated by commas: whom they serve is read from X-Forwarded-For. Unset: nobody.
    trusted_proxies: Networks = Networks()  # noqa: RUF009  immutable
    #: Seconds that a call may take before the caller is told to try again.
    call_timeout_s: float = 5.0
    #: Requests per second and at once, per signed-in person or client.
    rate_per_second: float = 300.0
    rate_burst: float = 600.0
    #: Calls in flight before new ones are told to come later.
    calls_in_flight: int = 1000

    @property
    def audience(self) -> str:
        """What an access token must be made for."""
        return f"tongban-gateway:{self.district}"
