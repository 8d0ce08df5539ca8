"""GET and POST /register: somebody makes an account of their own.

The answer is the same whether the user name is taken or the number is known here, and costs the same work. Whoever sends many
waits as whoever guesses passwords does (lanes.py).
"""

from __future__ import annotations

from chassis.edge import RETRY_AFTER_S, STATUS, problem
from chassis.errors import Fault, Kind, fault_of
from chassis.logs import get_logger
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from identity.adapters.id_numbers import is_id_number
from identity.adapters.passwords import hash_password
from identity.adapters.phones import normal_phone
from identity.domain.errors import FormExpired, InvalidField, WeakPassword
from identity.http.form_page import form_page, wants_html
from identity.http.forms import read_form
from identity.http.pages import page
from identity.http.parts import Parts
from identity.usecases.register_person import read_sign_up, register_person

log = get_logger(__name__)

#: What is shown again after a refusal; never the password.
_KEPT = ("login", "name", "id_number", "phone", "email", "language")
_LONGEST = 256
_SENTENCES = {
    FormExpired.code: ("页面已失效，请重新填写。", "The page was too old; please fill it in again."),
    "identity.too_many_attempts": ("尝试过于频繁，请稍后再试。", "Too many attempts; try again in a moment."),
}
_OTHERWISE = ("现在无法注册，请稍后再试。", "Registering is not possible now; try again shortly.")


class Register(HTTPEndpoint):
    """The page, and what its form sends."""

    async def get(self, request: Request) -> Response:
        return _form(request, {})

    async def post(self, request: Request) -> Response:
        """303 to /registered, whatever was known here before; else the form with its reason, or a problem for a program."""
        fields: dict[str, str] = {}
        try:
            fields = await read_form(request)
            parts = Parts.of(request)
            parts.forms.check(request, fields)
            await _registered(request, parts, {name: text[: _LONGEST + 1] for name, text in fields.items()})
        except (Fault, FormExpired, InvalidField, WeakPassword) as error:
            return _refusal(request, error, fields)
        return RedirectResponse("/registered", 303)


async def registered(request: Request) -> Response:
    """What to do next; says nothing of what was there before."""
    return page("registered.html", district=Parts.of(request).settings.district)


async def _registered(request: Request, parts: Parts, fields: dict[str, str]) -> None:
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


def _form(
    request: Request,
    fields: dict[str, str],
    status: int = 200,
    sentences: tuple[str, str] | None = None,
    wrong: str = "",
) -> Response:
    kept = {name: fields.get(name, "")[:_LONGEST] for name in _KEPT}
    shown = {"problem": sentences and {"zh": sentences[0], "en": sentences[1]}, "wrong": wrong}
    return form_page(request, "register.html", status, kept=kept, **shown)


def _refusal(request: Request, error: Exception, fields: dict[str, str]) -> Response:
    fault = fault_of(error)
    assert fault is not None
    if not wants_html(request):
        return problem(fault)
    if isinstance(error, InvalidField | WeakPassword):
        return _form(request, fields, STATUS[fault.kind], (error.zh, fault.message), error.details["field"])
    shown = _form(request, fields, STATUS[fault.kind], _SENTENCES.get(fault.code, _OTHERWISE))
    if fault.kind in (Kind.RATE_LIMITED, Kind.UNAVAILABLE):
        shown.headers["Retry-After"] = str(RETRY_AFTER_S)
    return shown
