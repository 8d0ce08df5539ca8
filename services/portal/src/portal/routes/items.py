"""Service items: search in plain words, and the guide of one."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from portal.desk import Desk, visitor
from portal.pages import page
from portal.routes.at import at

LONGEST_SEARCH = 100
PAGE = 20


async def find(request: Request) -> Response:
    """The items that match, best first; every item where nothing was asked."""
    desk, asked = Desk.of(request), request.query_params
    query = "".join(letter for letter in asked.get("q", "") if letter.isprintable()).strip()[:LONGEST_SEARCH]
    district = asked.get("district", "")
    district = district if district in desk.districts else ""
    found = await desk.gateway.get(
        token_of(request),
        "/v1/items",
        q=query,
        handling_district=district,
        size=PAGE,
        cursor=asked.get("cursor", ""),
    )
    return page(
        request,
        "items.html",
        query=query,
        chosen=district,
        known=list(desk.districts),
        items=found["items"],
        next=found["next"],
    )


async def guide(request: Request) -> Response:
    """办事指南: where and how."""
    return page(request, "guide.html", item=await item_of(request))


async def item_of(request: Request) -> dict[str, Any]:
    """The item that the address names."""
    return await Desk.of(request).gateway.get(token_of(request), f"/v1/items/{request.path_params['code']}")


def token_of(request: Request) -> str:
    """The person's token; "" of somebody who is not signed in: the API lets everybody read the catalogue."""
    session = visitor(request)
    return session.tokens.access if session else ""


ROUTES = (at("/items", find), at("/items/{code}", guide))
