"""Style and icon, and what probes ask."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from portal.pages import asset, asset_path
from portal.routes.at import at

_TYPES = {"portal.css": "text/css", "icon.svg": "image/svg+xml"}


async def static(request: Request) -> Response:
    """Kept by browsers for ever: another content has another address."""
    name = request.path_params["name"]
    if name not in _TYPES or request.url.path != asset_path(name):
        raise HTTPException(404)
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(asset(name), headers=headers, media_type=_TYPES[name])


ROUTES = (at("/assets/{version}/{name}", static, known=False),)
