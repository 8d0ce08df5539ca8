"""Service items: search, read, publish."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from gateway.etag import etag
from gateway.guard import Asking, GuardedRoute
from gateway.messages import catalogue, common, number, page, view
from gateway.openapi import ETAG, problems
from gateway.schemas.common import Cursor, ItemCode, Page, Size
from gateway.schemas.items import Item, ItemSent, Mode

router = APIRouter(route_class=GuardedRoute, tags=["items"])

_AUDIENCE = catalogue.Audience.DESCRIPTOR
_MODE = catalogue.CrossProvinceMode.DESCRIPTOR
_PROVENANCE = common.Provenance.DESCRIPTOR


@router.get(
    "/v1/items", operation_id="list_items", summary="Items, or those that match a search", response_model=Page[Item]
)
async def list_items(  # noqa: PLR0917 -- FastAPI reads them by name
    ask: Asking,
    q: Annotated[
        str,
        Query(
            max_length=100,
            pattern=r"^[^\u0000-\u001F\u007F-\u009F]*$",
            description=(
                "What a person would call it, in Chinese or English: items that hold every word, those with it in their name "
                "first; where there are none, those that hold most. Without it every item, own first."
            ),
            examples=["社会保障卡"],
        ),
    ] = "",
    handling_district: Annotated[
        str, Query(pattern=r"^(?:[0-9]{6})?$", description="Only items this district decides on.")
    ] = "",
    mode: Annotated[Mode | None, Query(description="Only items handled across provinces in this way.")] = None,
    size: Size = 20,
    cursor: Cursor = "",
) -> object:
    wanted = {
        "handling_district": handling_district,
        "mode": number(_MODE, mode) if mode else 0,
        "page": page(size, cursor),
    }
    if q.strip():
        answer = await ask("catalogue.find_items", catalogue.FindItemsRequest(query=q, **wanted))
    else:
        answer = await ask("catalogue.list_items", catalogue.ListItemsRequest(**wanted))
    return {"items": [view(item) for item in answer.items], "next": answer.page.next or None}


@router.get(
    "/v1/items/{code}",
    operation_id="get_item",
    summary="One item with its terms",
    response_model=Item,
    responses={200: {"headers": ETAG}, **problems(404)},
)
async def get_item(code: ItemCode, ask: Asking, response: Response) -> object:
    item = await ask("catalogue.get_item", catalogue.GetItemRequest(code=code))
    response.headers["ETag"] = etag(item.version)
    return view(item)


@router.put(
    "/v1/items/{code}",
    operation_id="publish_item",
    summary="Publish an item of this district, or change it",
    response_model=Item,
    responses={200: {"headers": ETAG}, **problems(409)},
)
async def publish_item(code: ItemCode, sent: ItemSent, ask: Asking, response: Response) -> object:
    fields = sent.model_dump(exclude={"audience", "mode", "provenance", "terms_provenance"})
    item = catalogue.Item(
        code=code,
        audience=number(_AUDIENCE, sent.audience),
        mode=number(_MODE, sent.mode),
        provenance=number(_PROVENANCE, sent.provenance),
        terms_provenance=number(_PROVENANCE, sent.terms_provenance),
        **fields,
    )
    published = (await ask("catalogue.publish_item", catalogue.PublishItemRequest(item=item))).item
    response.headers["ETag"] = etag(published.version)
    return view(published)
