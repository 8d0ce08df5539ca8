"""Kiosks (自助终端): owned by one district, standing in its own hall or hosted in another's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from gateway.schemas.common import District, Given, Moment, Sent, Whole, example, line

EXAMPLE: dict[str, Any] = {
    "name": "姑苏·惠服务 1",
    "host_district": "320508",
    "place": "政务服务大厅一楼",
    "public_jwk": {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
}


class PublicKeySent(Sent):
    """The kiosk's public key (RFC 8037); its private key never leaves it."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"),
        Field(description="32 octets, base64url."),
    ]


class KioskSent(Sent):
    name: Annotated[str, line(100)]
    host_district: District
    place: Annotated[str, line(200), Field(description="The hall where it stands.")]
    public_jwk: PublicKeySent

    model_config = example(EXAMPLE)


class Kiosk(Given):
    id: str
    owner_district: str
    host_district: str
    name: str
    place: str
    placement: Literal["offered", "confirmed", "declined"] | None
    placement_reason: Annotated[str, Field(description="Why the host declined; else empty.")]
    attention: Annotated[str, Field(description="Why somebody has to look though nobody asked; else empty.")]
    health: Literal["never_seen", "online", "silent"] | None
    last_heartbeat_at: Moment | None
    software_version: str
    version: int
    client_id: Annotated[str, Field(description="What the kiosk calls itself when it asks identity for a token.")]


class HeartbeatSent(Sent):
    software_version: Annotated[str, line(64)]
    sequence: Annotated[
        Whole, Field(ge=1, le=2**53 - 1, description="Counts the kiosk's heartbeats; an older one changes nothing.")
    ]

    model_config = example({"software_version": "4.0.0", "sequence": 1})


class Heartbeat(Given):
    received_at: Moment | None
    next_due_s: Annotated[int, Field(description="Seconds until the next one is due.")]
