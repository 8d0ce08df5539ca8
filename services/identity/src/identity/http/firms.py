"""GET and POST /firms: the firms that one leads, and who may act for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

from chassis.logs import get_logger
from chassis.sealed import mask_id_number
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import Response

from identity.adapters.credit_codes import is_credit_code
from identity.adapters.id_numbers import is_id_number
from identity.adapters.storage import Storage
from identity.domain.errors import InvalidField
from identity.domain.firms import LEAST, SHANGHAI, Mandate, check_firm_name
from identity.domain.model import Account
from identity.domain.proofs import Proof, Way
from identity.domain.sign_up import normal_id_number
from identity.http.asking import ask
from identity.http.form_page import form_page
from identity.http.forms import read_form
from identity.http.parts import Parts
from identity.http.refusals import Told, done, shown
from identity.http.signed_in import signed_in
from identity.usecases.give_mandate import end_mandate, give_mandate
from identity.usecases.register_firm import ask_register, register_firm

log = get_logger(__name__)


class Firms(HTTPEndpoint):
    """The page, and the form that makes a firm known."""

    async def get(self, request: Request) -> Response:
        return await shown(request, partial(_page, request))

    async def post(self, request: Request) -> Response:
        """303 to the page once the register of firms confirms that one leads the firm."""
        return await _done(request, _register)


async def give(request: Request) -> Response:
    """POST /firms/{firm}/mandates: the answer says nothing about whether that person has an account."""
    return await _done(request, _give)


async def end(request: Request) -> Response:
    """POST /firms/{firm}/mandates/{mandate}/end: over at once."""
    return await _done(request, _end)


async def _done(request: Request, change: Any) -> Response:
    async def act() -> None:
        parts = Parts.of(request)
        _, account = await signed_in(request)
        fields = await read_form(request)
        parts.forms.check(request, fields)
        await change(request, parts, account, fields)

    return await done(request, act, partial(_page, request), "/firms")


async def _register(request: Request, parts: Parts, account: Account, fields: Mapping[str, str]) -> None:
    name, code = check_firm_name(fields.get("name", "")), normal_id_number(fields.get("credit_code", ""))
    if not is_credit_code(code):
        raise InvalidField("credit_code", "is no unified social credit code (GB 32100)", "统一社会信用代码不正确")

    now = parts.now()
    await ask(request, account.subject, lambda: ask_register(parts.proofing, name, code, account))
    proof = Proof(
        str(parts.new_id()), str(parts.new_id()), Way.REPRESENTATIVE, parts.proofing.name, account.subject, now
    )
    firm = await parts.within(lambda work: register_firm(work, name, code, account, proof, now=now))
    log.info("firm registered", firm=firm.subject, subject=account.subject)


async def _give(request: Request, parts: Parts, account: Account, fields: Mapping[str, str]) -> None:
    firm, id, now = request.path_params["firm"], str(parts.new_id()), parts.now()
    await parts.within(lambda work: give_mandate(work, firm, fields, is_id_number, account, id=id, now=now))
    log.info("mandate given", firm=firm, mandate=id, subject=account.subject)


async def _end(request: Request, parts: Parts, account: Account, fields: Mapping[str, str]) -> None:
    firm, id, now = request.path_params["firm"], request.path_params["mandate"], parts.now()
    await parts.within(lambda work: end_mandate(work, firm, id, account, now=now))
    log.info("mandate ended", firm=firm, mandate=id, subject=account.subject)


async def _page(request: Request, status: int, problem: Told | None, wrong: str) -> Response:
    parts, now = Parts.of(request), Parts.of(request).now()
    _, account = await signed_in(request)
    today = now.astimezone(SHANGHAI).date()

    def find(work: Storage) -> list[dict[str, Any]]:
        led = [firm for firm in work.firms.of_representative(account.subject) if firm.enabled]
        return [{"firm": firm, "mandates": [_row(m, now) for m in work.mandates.of_firm(firm.subject)]} for firm in led]

    return form_page(
        request,
        "firms.html",
        status,
        problem=problem,
        wrong=wrong,
        firms=await parts.within(find),
        elsewhere=parts.elsewhere(account.subject),
        proven=account.acr >= LEAST,
        offered=parts.proofing.name != "none",
        note=parts.proofing.note,
        today=today.isoformat(),
        in_a_year=_in_a_year(today).isoformat(),
    )


def _in_a_year(today: date) -> date:
    return today + timedelta(days=365)


def _row(mandate: Mandate, now: Any) -> dict[str, Any]:
    """One mandate as the representative sees it: the name that they wrote, the number masked."""
    last = mandate.ends_at.astimezone(SHANGHAI).date() - timedelta(days=1)
    return {
        "id": mandate.id,
        "name": mandate.handler_name,
        "number": mask_id_number(mandate.handler_number),
        "first": mandate.starts_at.astimezone(SHANGHAI).date().isoformat(),
        "last": last.isoformat(),
        "item_codes": sorted(mandate.item_codes),
        "open": mandate.ended_at is None and now < mandate.ends_at,
    }
