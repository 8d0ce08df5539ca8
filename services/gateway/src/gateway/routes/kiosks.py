"""Kiosks: register, look after, and hear from them."""

from __future__ import annotations

from fastapi import APIRouter, Response

from gateway.guard import Asking, GuardedRoute
from gateway.messages import page, terminal_fleet, view
from gateway.openapi import header, problems
from gateway.schemas.common import Cursor, IdempotencyKey, Ident, Page, Size
from gateway.schemas.kiosks import Heartbeat, HeartbeatSent, Kiosk, KioskSent

router = APIRouter(route_class=GuardedRoute, tags=["kiosks"])


@router.post(
    "/v1/kiosks",
    operation_id="register_kiosk",
    summary="Register a kiosk; a foreign host is asked to confirm the place",
    status_code=201,
    response_model=Kiosk,
    responses={201: {"headers": {"Location": header("Address of the kiosk.")}}, **problems(409)},
)
async def register_kiosk(sent: KioskSent, key: IdempotencyKey, ask: Asking, response: Response) -> object:
    request = terminal_fleet.RegisterKioskRequest(
        name=sent.name,
        host_district=sent.host_district,
        place=sent.place,
        public_jwk=sent.public_jwk.model_dump_json(),
        idempotency_key=key,
    )
    kiosk = await ask("terminal_fleet.register_kiosk", request)
    response.headers["Location"] = f"/v1/kiosks/{kiosk.id}"
    return view(kiosk)


@router.get(
    "/v1/kiosks",
    operation_id="list_kiosks",
    summary="Kiosks owned by or standing in this district",
    response_model=Page[Kiosk],
)
async def list_kiosks(ask: Asking, size: Size = 20, cursor: Cursor = "") -> object:
    answer = await ask("terminal_fleet.list_kiosks", terminal_fleet.ListKiosksRequest(page=page(size, cursor)))
    return {"items": [view(kiosk) for kiosk in answer.kiosks], "next": answer.page.next or None}


@router.get(
    "/v1/kiosks/{id}", operation_id="get_kiosk", summary="One kiosk", response_model=Kiosk, responses=problems(404)
)
async def get_kiosk(id: Ident, ask: Asking) -> object:
    return view(await ask("terminal_fleet.get_kiosk", terminal_fleet.GetKioskRequest(id=id)))


@router.post(
    "/v1/kiosks/{id}/heartbeats",
    operation_id="record_heartbeat",
    summary="The kiosk says that it lives",
    response_model=Heartbeat,
    responses=problems(404),
)
async def record_heartbeat(id: Ident, sent: HeartbeatSent, ask: Asking) -> object:
    """A kiosk speaks for itself only."""
    request = terminal_fleet.RecordHeartbeatRequest(
        kiosk_id=id, software_version=sent.software_version, sequence=sent.sequence
    )
    return view(await ask("terminal_fleet.record_heartbeat", request))
