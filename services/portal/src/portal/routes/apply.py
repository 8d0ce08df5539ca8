"""Applying: a form with files becomes a numbered case, once, however often it is sent."""

from __future__ import annotations

import base64
import re
from typing import Any

from chassis.errors import Fault, Kind
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.cookies import language
from portal.desk import Desk, citizen
from portal.forms import file_of
from portal.model import Session
from portal.pages import page
from portal.routes.at import at
from portal.routes.items import item_of
from portal.words import told

#: The weakest proof of identity with which the API takes an application: said before somebody chooses files, decided there.
LEAST_ACR = "L3"
#: As the API takes a material.
LARGEST_MATERIAL = 2 * 1024 * 1024
_LONGEST_NAME = 200
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,64}/[a-z0-9.+-]{1,64}")
_KEY = re.compile(r"[!-~]{1,64}")
#: After these the case may exist all the same, so the same key goes out again.
_UNKNOWN = (Kind.UNAVAILABLE, Kind.DEADLINE, Kind.INTERNAL)


async def form(request: Request) -> Response:
    citizen(request)
    item = await item_of(request)
    return _form(request, item, str(Desk.of(request).new_id()))


async def send(request: Request) -> Response:
    session = citizen(request)
    with Desk.of(request).room.take(request, session.person.subject):
        return await _send(request, session)


async def _send(request: Request, session: Session) -> Response:
    desk = Desk.of(request)
    async with desk.forms.read(request) as sent:
        item = await item_of(request)
        key = str(sent.get("key", ""))
        key = key if _KEY.fullmatch(key) else str(desk.new_id())
        materials, errors = await _materials(item, sent)
    if errors:
        return _form(request, item, key, 422, errors=errors)
    try:
        body = {"item_code": item["code"], "materials": materials}
        case = await desk.gateway.post(session.tokens.access, "/v1/cases", body, key=key)
    except Fault as fault:
        if fault.kind in (Kind.UNAUTHENTICATED, Kind.FORBIDDEN, Kind.NOT_FOUND):
            raise
        key = key if fault.kind in _UNKNOWN else str(desk.new_id())
        problem = told(fault, language(request))
        status = 503 if fault.kind in _UNKNOWN else 422
        return _form(request, item, key, status, problem=problem, code=fault.code)
    return RedirectResponse(f"/cases/{case['number']}?sent=1", 303)


def _form(request: Request, item: dict[str, Any], key: str, status: int = 200, **told: Any) -> Response:
    weak = LEAST_ACR if citizen(request).person.acr < LEAST_ACR else ""
    told = {"errors": {}, "problem": "", "code": ""} | told
    return page(request, "apply.html", status, item=item, key=key, weak=weak, **told)


async def _materials(item: dict[str, Any], sent: FormData) -> tuple[list[dict[str, str]], dict[str, str]]:
    """What was uploaded, as the API takes it; and by material what is wrong with it: "missing", "empty", "large"."""
    materials: list[dict[str, str]] = []
    errors: dict[str, str] = {}
    for wanted in item["materials"]:
        key = wanted["key"]
        file = file_of(sent, f"material_{key}")
        if file is None:
            if wanted["required"]:
                errors[key] = "missing"
            continue
        content = await file.read(LARGEST_MATERIAL + 1)
        if not content or len(content) > LARGEST_MATERIAL:
            errors[key] = "large" if content else "empty"
            continue
        media_type = (file.content_type or "").partition(";")[0].strip().lower()
        materials.append(
            {
                "key": key,
                "name": _name(file.filename or key),
                "media_type": media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream",
                "content": base64.b64encode(content).decode(),
            }
        )
    return materials, errors


def _name(text: str) -> str:
    """A file's name alone, without the folders that some browsers tell, on one line."""
    name = "".join(letter for letter in re.split(r"[\\/]", text)[-1] if letter.isprintable()).strip()
    return name[-_LONGEST_NAME:] or "file"


ROUTES = (at("/items/{code}/apply", form), at("/items/{code}/apply", send, "POST"))
