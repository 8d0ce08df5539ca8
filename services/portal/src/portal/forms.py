"""Forms: what is read from one, and the proof that our own page sent it.

A form that changes something carries a token made from the session's cookie, another one on every page, so that neither
another site nor the length of a compressed page tells it. The cookie is Lax and the browser says where a form comes from:
each alone would do.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis.edge import LARGEST_WITH_FILES, in_time
from chassis.errors import Fault, Kind
from chassis.sealed import FieldCipher
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser
from starlette.requests import Request

from portal.cookies import session_cookie
from portal.errors import form_expired

FIELD = "form_token"
#: Where people hand in files.
LARGE = re.compile(r"POST /items/[^/]+/apply")
#: What people hand in stays in memory: no disk ever holds it.
MultiPartParser.spool_max_size = LARGEST_WITH_FILES
_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


class Forms:
    """Makes and checks the proof."""

    def __init__(self, cipher: FieldCipher, origin: str) -> None:
        self._cipher, self._origin = cipher, origin

    def token(self, request: Request) -> str:
        """A fresh token for this browser's session; "" where nobody is signed in."""
        cookie = session_cookie(request)
        salt = secrets.token_hex(8)
        return f"{salt}.{self._made(cookie, salt)[0]}" if cookie else ""

    def check(self, request: Request, form: FormData) -> None:
        """Raises Fault `portal.form_expired` unless our own page sent it in this session."""
        if request.headers.get("origin", self._origin) != self._origin:
            raise form_expired()
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise form_expired()
        cookie = session_cookie(request)
        salt, _, shown = text_of(form, FIELD).partition(".")
        made = self._made(cookie, salt)
        if not cookie or not any(hmac.compare_digest(one.encode(), shown.encode()) for one in made):
            raise form_expired()

    def _made(self, cookie: str, salt: str) -> list[str]:
        """Under every key, the first one's first: a page may be older than a change of keys."""
        return self._cipher.keyed_hashes(f"form {salt} {cookie}")

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[FormData]:
        """The form, checked, its files open until the block ends. Raises Fault, HTTPException 408, 413 or 415."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in _TYPES:
            raise HTTPException(415, headers={"Accept-Post": ", ".join(_TYPES)})
        try:
            form = await in_time(request, request.form(max_files=20, max_fields=50))
        except HTTPException as error:
            if error.status_code != 400:
                raise
            raise Fault("request.invalid", Kind.INVALID, "The form could not be read; open the page again.") from None
        try:
            self.check(request, form)
            yield form
        finally:
            await form.close()


def text_of(form: FormData, name: str) -> str:
    """One field's text; "" where it is missing or a file. Line ends as the API has them, no NUL."""
    value = form.get(name, "")
    return value.replace("\r\n", "\n").replace("\x00", "") if isinstance(value, str) else ""


def file_of(form: FormData, name: str) -> UploadFile | None:
    """A chosen file; None where the person chose none."""
    value = form.get(name)
    return value if isinstance(value, UploadFile) and value.filename else None
