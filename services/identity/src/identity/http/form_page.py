"""A page with a form of ours: it carries the proof that we made it, and the cookie that the proof belongs to."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from identity.http.pages import page
from identity.http.parts import Parts


def form_page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """`template` with `token` (forms.FIELD) and `district` beside `values`."""
    parts, carrier = Parts.of(request), Response()
    token = parts.forms.token(parts.forms.cookie(request, carrier))
    shown = page(template, status, district=parts.here, token=token, **values)
    shown.headers.raw.extend(pair for pair in carrier.headers.raw if pair[0] == b"set-cookie")
    return shown


def wants_html(request: Request) -> bool:
    """A browser, and no program: refusals are pages for the one and problems for the other."""
    return "text/html" in request.headers.get("accept", "")
