"""The materials of a case: each is opened on the clerk's or the applicant's page of the case, through the API.

What somebody uploaded is never trusted with a page of ours: it is shown only where its type does nothing but show, and always
in a sandbox; everything else is saved. Who may open it is the API's to say.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import quote

from chassis.edge import SANDBOX, sent_as
from chassis.errors import Fault
from starlette.requests import Request
from starlette.responses import Response

from portal.desk import Desk, citizen, clerk
from portal.routes.at import at
from portal.words import SHOWN

_POLICY = f"{SANDBOX}; frame-ancestors 'none'"


async def for_clerk(request: Request) -> Response:
    clerk(request)
    return await _opened(request)


async def for_applicant(request: Request) -> Response:
    citizen(request)
    return await _opened(request)


async def _opened(request: Request) -> Response:
    """The file; to be saved where `save` is asked for or its type is not one of `SHOWN`."""
    number, key = (quote(request.path_params[name], safe="") for name in ("number", "key"))
    token = request.state.session.tokens.access
    found = await Desk.of(request).gateway.attachment(token, f"/v1/cases/{number}/materials/{key}")
    kind = sent_as(found.headers.get("content-type", "").partition(";")[0].strip())
    how, _, name = found.headers.get("content-disposition", "attachment").partition(";")
    how = "inline" if kind in SHOWN and "save" not in request.query_params else "attachment"
    headers = {
        "Content-Disposition": f"{how};{name}" if name else how,
        "Content-Security-Policy": _POLICY,
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Frame-Options": "DENY",
        "Vary": "Cookie",
    }
    return Response(found.content, headers=headers, media_type=kind)


async def names_of(request: Request, case: dict[str, Any]) -> dict[str, dict[str, str]]:
    """What the item calls each material, by key; nothing where the item is not to be had now."""
    if not case["materials"]:
        return {}
    with suppress(Fault):
        token = request.state.session.tokens.access
        item = await Desk.of(request).gateway.get(token, f"/v1/items/{quote(case['item_code'], safe='')}")
        return {wanted["key"]: wanted for wanted in item["materials"]}
    return {}


ROUTES = (
    at("/work/{number}/materials/{key}", for_clerk),
    at("/cases/{number}/materials/{key}", for_applicant),
)
