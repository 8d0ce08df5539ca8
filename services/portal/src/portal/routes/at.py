"""A page's address: finds out who asks before the page answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from portal.desk import Desk

Endpoint = Callable[[Request], Awaitable[Response]]


def at(path: str, endpoint: Endpoint, *methods: str, known: bool = True) -> Route:
    """A route. `known`: whether the page cares who asks.

    Whoever comes from another district's pages brings `home_district`: where somebody may know them. Nobody signed in here is
    asked about there once, without a prompt, before the page answers.
    """

    async def answer(request: Request) -> Response:
        if known:
            request.state.session = await Desk.of(request).session(request)
            home = request.query_params.get("home_district", "")
            if home and request.method == "GET":
                return _arrived(request, home)
        return await endpoint(request)

    return Route(path, answer, methods=list(methods) or ["GET"], name=endpoint.__name__)


def _arrived(request: Request, home: str) -> Response:
    rest = [(name, value) for name, value in request.query_params.multi_items() if name != "home_district"]
    to = request.url.path + (f"?{urlencode(rest)}" if rest else "")
    if request.state.session is not None or home not in Desk.of(request).districts:
        return RedirectResponse(to, 303)
    return RedirectResponse(f"/sign-in?{urlencode({'to': to, 'home_district': home, 'silent': '1'})}", 303)
