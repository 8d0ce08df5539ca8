"""Messages to a person, and for operators how notices went out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from gateway.guard import Asking, GuardedRoute
from gateway.messages import notification, page, view
from gateway.openapi import problems
from gateway.schemas.common import Cursor, Ident, Page, Size
from gateway.schemas.notices import Delivery, InAppMessage

router = APIRouter(route_class=GuardedRoute, tags=["notices"])


@router.get(
    "/v1/messages",
    operation_id="list_messages",
    summary="The caller's messages, newest first",
    response_model=Page[InAppMessage],
)
async def list_messages(ask: Asking, size: Size = 20, cursor: Cursor = "") -> object:
    answer = await ask("notification.list_messages", notification.ListMessagesRequest(page=page(size, cursor)))
    return {"items": [view(message) for message in answer.messages], "next": answer.page.next or None}


@router.post(
    "/v1/messages/{id}/read",
    operation_id="mark_message_read",
    summary="The caller has read it",
    response_model=InAppMessage,
    responses=problems(404),
)
async def mark_message_read(id: Ident, ask: Asking) -> object:
    return view(await ask("notification.mark_message_read", notification.MarkMessageReadRequest(id=id)))


@router.get(
    "/v1/deliveries",
    operation_id="list_deliveries",
    summary="How the notices about one matter went out",
    response_model=Page[Delivery],
)
async def list_deliveries(
    ask: Asking,
    about: Annotated[
        str,
        Query(
            pattern=r"^[A-Za-z0-9._-]{1,64}$", description="The case or ticket.", examples=["310101-20261123-ABCDEFGH"]
        ),
    ],
    size: Size = 20,
    cursor: Cursor = "",
) -> object:
    answer = await ask(
        "notification.list_deliveries", notification.ListDeliveriesRequest(about=about, page=page(size, cursor))
    )
    return {"items": [view(delivery) for delivery in answer.deliveries], "next": answer.page.next or None}
