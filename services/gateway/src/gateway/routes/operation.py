"""Whether this process lives, whether it can work, and the API's own description. Metrics are not for the public."""

from __future__ import annotations

from typing import Annotated, Any

from chassis import health
from fastapi import APIRouter, Request, Response
from pydantic import Field

from gateway.guard import GuardedRoute
from gateway.openapi import document
from gateway.schemas.common import Given

router = APIRouter(route_class=GuardedRoute, tags=["operation"])


class Liveness(Given):
    alive: bool


class Readiness(Given):
    ready: bool
    not_ready: Annotated[list[str], Field(description="What is missing: `bus`, `keys`.")]


@router.get("/livez", operation_id="livez", summary="Whether the process lives; asks nobody", response_model=Liveness)
async def livez(request: Request) -> Response:
    return _page(request)


@router.get(
    "/readyz",
    operation_id="readyz",
    summary="Whether it can work",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "It cannot; `not_ready` says why."}},
)
async def readyz(request: Request) -> Response:
    return _page(request)


@router.get("/openapi.json", operation_id="openapi", summary="This document")
async def openapi(request: Request) -> dict[str, Any]:
    return document(request.app)


def _page(request: Request) -> Response:
    status, content_type, body = health.respond(request.url.path, request.app.state.checks)
    return Response(body, status, media_type=content_type)
