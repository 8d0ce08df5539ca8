"""The few pages of identity: HTML that works without script, Chinese first, English beside it."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

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
    """Our own style and nothing else: no script, no frame, no form to anywhere else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )


def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    text = _environment.get_template(template).render(style=_style(), **values)
    return HTMLResponse(text, status, {"Content-Security-Policy": _policy(), "X-Frame-Options": "DENY"})
