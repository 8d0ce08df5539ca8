"""The first page, and the choice of language."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.cookies import keep_language
from portal.pages import page, safe_target
from portal.routes.at import at


async def home(request: Request) -> Response:
    return page(request, "home.html")


async def choose_language(request: Request) -> Response:
    """Keeps the language in this browser and goes back to where it was chosen."""
    response = RedirectResponse(safe_target(request.query_params.get("from", "/")), 303)
    keep_language(response, "en" if request.query_params.get("to") == "en" else "zh")
    return response


ROUTES = (at("/", home), at("/language", choose_language, known=False))
