"""The terminal fleet's contract ↔ its domain; the only module that knows generated code."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from chassis.contracts import EnumWords, moment, timestamp
from chassis.paging import Page
from google.protobuf.message import Message
from tongban.common.v1 import common_pb2 as common
from tongban.courier.v1.courier_pb2 import AgreementInstalled, MessageRefused
from tongban.identity.v1.identity_pb2 import Client, RegisterClientRequest
from tongban.terminal_fleet.v1 import terminal_fleet_pb2 as pb

from terminal_fleet.domain import events
from terminal_fleet.domain.errors import InvalidKiosk
from terminal_fleet.domain.model import Health, Kiosk, Placement

__all__ = [
    "CONTRACT", "FLEET_MANAGER", "HALL_STAFF", "KIOSK", "AgreementInstalled", "Client", "KioskHealthReported", "MessageRefused",
    "PlacementAnswered", "PlacementOffered", "RegisterClientRequest",
]  # fmt: skip

CONTRACT = pb.DESCRIPTOR.services_by_name["TerminalFleetService"]
PlacementOffered = pb.PlacementOffered
PlacementAnswered = pb.PlacementAnswered
KioskHealthReported = pb.KioskHealthReported

FLEET_MANAGER, KIOSK = "fleet_manager", "kiosk"
#: Who sees the kiosks in a hall: those who run the fleet, and those who work beside them.
HALL_STAFF = (FLEET_MANAGER, "clerk", "operator")

_PLACEMENT = EnumWords(Placement, pb.PlacementState, "PLACEMENT_STATE")
_HEALTH = EnumWords(Health, pb.Health, "HEALTH")
_SUBJECT = "kiosk/"


def kiosk_to_wire(kiosk: Kiosk) -> pb.Kiosk:
    return pb.Kiosk(
        id=kiosk.id,
        owner_district=kiosk.owner,
        host_district=kiosk.host,
        name=kiosk.name,
        place=kiosk.place,
        placement=_PLACEMENT.number(kiosk.placement),
        health=_HEALTH.number(kiosk.health),
        last_heartbeat_at=timestamp(kiosk.last_heartbeat_at),
        software_version=kiosk.software_version,
        version=kiosk.version,
        client_id=kiosk.client_id,
        placement_reason=kiosk.placement_reason,
        attention=kiosk.attention,
    )


def listed(page: Page[Kiosk]) -> pb.ListKiosksResponse:
    return pb.ListKiosksResponse(kiosks=page.map(kiosk_to_wire), page=common.PageInfo(next=page.next))


def received(at: datetime, next_due_s: int) -> pb.RecordHeartbeatResponse:
    return pb.RecordHeartbeatResponse(received_at=timestamp(at), next_due_s=next_due_s)


def event_to_wire(event: events.KioskChanged) -> pb.KioskChanged:
    return pb.KioskChanged(kiosk=kiosk_to_wire(event.kiosk))


def message_to_wire(message: events.ToDistrict) -> Message:
    match message:
        case events.PlacementOffered(kiosk):
            wire = kiosk_to_wire(kiosk)
            wire.ClearField("client_id")  # of no use to the host, and so none of its business
            return pb.PlacementOffered(kiosk=wire)
        case events.PlacementAnswered(kiosk_id, confirmed, reason):
            return pb.PlacementAnswered(kiosk_id=kiosk_id, confirmed=confirmed, reason=reason)
        case events.HealthReported(kiosk_id, health, at, version):
            number = _HEALTH.number(health)
            return pb.KioskHealthReported(
                kiosk_id=kiosk_id, health=number, last_heartbeat_at=timestamp(at), version=version
            )


def subject_of(kiosk_id: str) -> str:
    """What messages about a kiosk are ordered by."""
    return _SUBJECT + kiosk_id


def kiosk_id_of(subject: str) -> str:
    return subject.removeprefix(_SUBJECT)


def offer_of(wire: pb.PlacementOffered, now: datetime) -> events.PlacementOffered:
    """A kiosk as its owner offers it; the host keeps its own date of registration."""
    offered = wire.kiosk
    kiosk = Kiosk(
        id=offered.id,
        district="",
        owner=offered.owner_district,
        host=offered.host_district,
        name=offered.name,
        place=offered.place,
        placement=Placement.OFFERED,
        registered_at=now,
        software_version=offered.software_version,
        version=offered.version,
    )
    return events.PlacementOffered(kiosk)


def answer_of(wire: pb.PlacementAnswered) -> events.PlacementAnswered:
    return events.PlacementAnswered(wire.kiosk_id, wire.confirmed, wire.reason)


def report_of(wire: pb.KioskHealthReported) -> events.HealthReported:
    health = _HEALTH.word(wire.health, partial(InvalidKiosk, "health"))
    at = moment(wire.last_heartbeat_at) if wire.HasField("last_heartbeat_at") else None
    return events.HealthReported(wire.kiosk_id, health, at, wire.version)
