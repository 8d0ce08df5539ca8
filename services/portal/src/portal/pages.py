"""Pages as HTML: templates, languages, the head that all have, and what browsers are told to allow.

The components are govuk-frontend's markup as macros; the style is ours (static/portal.css). No page has a script.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import cache
from importlib import resources
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.messages.pofile import read_po
from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined
from jinja2.runtime import Undefined
from jinja2.utils import missing
from starlette.requests import Request
from starlette.responses import HTMLResponse

from portal import words
from portal.cookies import language
from portal.desk import Desk, visitor

_ZONE = ZoneInfo("Asia/Shanghai")
_LOCALES = {"zh": "zh_Hans_CN", "en": "en_GB"}
#: How each language stands in `lang` and in `ui_locales` (BCP 47).
TAGS = {"zh": "zh-Hans", "en": "en"}


class _Lenient(StrictUndefined):
    """A name that nobody gave is a defect; a component's parameter that was left out is none."""

    def __new__(cls, hint: str | None = None, obj: Any = missing, name: str | None = None, exc: Any = None) -> Any:
        if isinstance(obj, dict) or name in ("caller", "undefined"):
            return Undefined(hint, obj, name)
        return super().__new__(cls)


@cache
def catalogue() -> dict[str, str]:
    """Chinese → English."""
    text = (resources.files("portal") / "locale" / "en" / "portal.po").read_bytes()
    return {str(message.id): str(message.string) for message in read_po(BytesIO(text), locale="en") if message.id}


def translate(text: str, lang: str) -> str:
    """`text` in the language; the Chinese itself where the catalogue has no other."""
    return catalogue().get(text) or text if lang == "en" else text


@cache
def _environment(lang: str) -> Environment:
    environment = Environment(
        loader=ChoiceLoader(
            [
                PackageLoader("portal"),
                PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
            ]
        ),
        autoescape=True,
        undefined=_Lenient,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )

    def one(text: str) -> str:
        return translate(text, lang)

    def many(one_text: str, many_text: str, count: int) -> str:
        return translate(one_text if count == 1 else many_text, lang)

    environment.install_gettext_callables(one, many, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {
        "moment": _moment(lang),
        "quoted": lambda text: quote(str(text), safe=""),
        "headed": lambda text: text[:1].upper() + text[1:],
    }
    environment.globals |= {"words": words, "lang": TAGS[lang], "is_chinese": lang == "zh"}
    return environment


def _moment(lang: str) -> Callable[[str | None], str]:
    """An RFC 3339 time as people in the districts read it."""
    form = "y年M月d日 HH:mm" if lang == "zh" else "d MMMM y, HH:mm"

    def shown(text: str | None) -> str:
        if not text:
            return ""
        return format_datetime(datetime.fromisoformat(text).astimezone(_ZONE), form, locale=_LOCALES[lang])

    return shown


@cache
def asset(name: str) -> bytes:
    return (resources.files("portal") / "static" / name).read_bytes()


@cache
def asset_path(name: str) -> str:
    """Its address, which changes with its content, so that browsers may keep it for ever."""
    return f"/assets/{hashlib.sha256(asset(name)).hexdigest()[:16]}/{name}"


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """One page as a whole."""
    desk: Desk = Desk.of(request)
    lang = language(request)
    session = visitor(request)
    text = (
        _environment(lang)
        .get_template(template)
        .render(
            here=desk.districts.here,
            districts=desk.districts.linked,
            district_name=lambda code: desk.districts.name(code, lang),
            person=session.person if session else None,
            home=(session.person.home if session else "") or desk.settings.district,
            form_token=desk.forms.token(request) if session else "",
            path=request.url.path,
            address=local_address(request),
            style=asset_path("portal.css"),
            icon=asset_path("icon.svg"),
            **values,
        )
    )
    return HTMLResponse(text, status, _headers(desk))


def _headers(desk: Desk) -> dict[str, str]:
    """Our own style and pictures and nothing else: no script, no frame; a form that ends in signing out passes identity."""
    targets = " ".join(["'self'", *desk.districts.issuers])
    policy = (
        f"default-src 'none'; style-src 'self'; img-src 'self'; form-action {targets}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    return {"Content-Security-Policy": policy, "X-Frame-Options": "DENY", "Vary": "Cookie"}


def local_address(request: Request) -> str:
    """The page that was asked for, to come back to: path and query."""
    url = urlsplit(str(request.url))
    return url.path + (f"?{url.query}" if url.query else "")


def safe_target(text: str) -> str:
    """`text` where it is an address of our own; else the home page, so that nobody is led elsewhere."""
    if not text.startswith("/") or text.startswith(("//", "/\\")) or len(text) > 500:
        return "/"
    if any(ord(letter) <= 32 or ord(letter) >= 127 or letter == "\\" for letter in text):
        return "/"
    return text
