"""The few pages of identity: HTML that works without script, Chinese first, English beside it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

_environment = Environment(
    loader=PackageLoader("identity.http"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@cache
def _style() -> str:
    return (resources.files("identity.http") / "templates" / "style.css").read_text(encoding="utf-8")


@cache
def _policy() -> str:
    """Our own style and nothing else: no script, no frame; the rest is said by each page."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'"


def origin_of(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


def page(template: str, status: int = 200, *, leads_to: Iterable[str] = (), **values: Any) -> HTMLResponse:
    """`leads_to`: addresses elsewhere to which the page's form may be redirected; a browser goes to no other."""
    text = _environment.get_template(template).render(style=_style(), **values)
    targets = " ".join(["'self'", *sorted(map(origin_of, leads_to))])
    policy = f"{_policy()}; form-action {targets}"
    return HTMLResponse(text, status, {"Content-Security-Policy": policy, "X-Frame-Options": "DENY"})
