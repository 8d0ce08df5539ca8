"""GET and POST /register: somebody makes an account of their own.

The answer is the same whether the user name is taken or the number is known here, and costs the same work. Whoever sends many
waits as whoever guesses passwords does (lanes.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from chassis.logs import get_logger
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import Response

from identity.adapters.id_numbers import is_id_number
from identity.adapters.passwords import hash_password
from identity.adapters.phones import normal_phone
from identity.http.form_page import form_page
from identity.http.forms import read_form
from identity.http.pages import page
from identity.http.parts import Parts
from identity.http.refusals import Told, done, shown
from identity.usecases.register_person import read_sign_up, register_person

log = get_logger(__name__)

#: What is shown again after a refusal; never the password.
_KEPT = ("login", "name", "id_number", "phone", "email", "language")
_LONGEST = 256


class Register(HTTPEndpoint):
    """The page, and what its form sends."""

    async def get(self, request: Request) -> Response:
        return await shown(request, partial(_form, request, {}))

    async def post(self, request: Request) -> Response:
        """303 to /registered, whatever was known here before; else the form with its reason, or a problem for a program."""
        fields: dict[str, str] = {}

        async def act() -> None:
            fields.update(await read_form(request))
            parts = Parts.of(request)
            parts.forms.check(request, fields)
            await _register(request, parts, {name: text[: _LONGEST + 1] for name, text in fields.items()})

        return await done(request, act, partial(_form, request, fields), "/registered")


async def registered(request: Request) -> Response:
    """What to do next; says nothing of what was there before."""
    return page("registered.html", district=Parts.of(request).here)


async def _register(request: Request, parts: Parts, fields: dict[str, str]) -> None:
    wish = read_sign_up(fields, is_id_number, normal_phone)
    hashed: list[str] = []

    def work() -> bool:
        hashed.append(hash_password(fields["password"]))
        return False  # each keeps its place in the lane a little longer than the one before

    address = request.client.host if request.client else ""
    await parts.lanes.verify("/register", address, work)
    subject = str(parts.new_id())
    made = await parts.within(lambda kept: register_person(kept, wish, hashed[0], subject=subject))
    log.info("registered" if made else "registration changed nothing")


async def _form(request: Request, fields: Mapping[str, str], status: int, problem: Told | None, wrong: str) -> Response:
    kept = {name: fields.get(name, "")[:_LONGEST] for name in _KEPT}
    return form_page(request, "register.html", status, kept=kept, problem=problem, wrong=wrong)
