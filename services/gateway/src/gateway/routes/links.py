"""The signed links to other districts, for operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from gateway.guard import Asking, GuardedRoute
from gateway.messages import courier, number, page, view
from gateway.openapi import problems
from gateway.schemas.common import Cursor, Page, Size
from gateway.schemas.links import Links, MessageState, QuarantinedMessage, SentMessage

router = APIRouter(route_class=GuardedRoute, tags=["links"])

_STATE = courier.MessageState.DESCRIPTOR


@router.get("/v1/links", operation_id="list_links", summary="Every link, by peer", response_model=Links)
async def list_links(ask: Asking) -> object:
    answer = await ask("courier.list_links", courier.ListLinksRequest())
    return {"items": [view(link) for link in answer.links]}


@router.get(
    "/v1/links/{peer}/messages",
    operation_id="list_sent_messages",
    summary="Messages to one peer, oldest first",
    response_model=Page[SentMessage],
    responses=problems(404),
)
async def list_sent_messages(
    peer: Annotated[str, Path(pattern=r"^[0-9]{6}$", description="Division code of the other district.")],
    ask: Asking,
    state: Annotated[MessageState | None, Query(description="Only messages in this state.")] = None,
    size: Size = 20,
    cursor: Cursor = "",
) -> object:
    wanted = courier.ListMessagesRequest(
        peer=peer, state=number(_STATE, state) if state else 0, page=page(size, cursor)
    )
    answer = await ask("courier.list_messages", wanted)
    return {"items": [view(message) for message in answer.messages], "next": answer.page.next or None}


@router.get(
    "/v1/quarantine",
    operation_id="list_quarantine",
    summary="What arrived unauthenticated and was kept aside",
    response_model=Page[QuarantinedMessage],
)
async def list_quarantine(ask: Asking, size: Size = 20, cursor: Cursor = "") -> object:
    answer = await ask("courier.list_quarantine", courier.ListQuarantineRequest(page=page(size, cursor)))
    return {"items": [view(message) for message in answer.messages], "next": answer.page.next or None}
