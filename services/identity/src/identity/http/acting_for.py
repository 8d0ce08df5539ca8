"""GET and POST /acting-for: for whom one acts in this session: oneself, or a firm that lets one."""

from __future__ import annotations

from functools import partial

from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import Response

from identity.http.between import behind, waiting
from identity.http.form_page import form_page
from identity.http.forms import read_form
from identity.http.parts import Parts
from identity.http.pending import going_on
from identity.http.refusals import Told, done, shown
from identity.http.signed_in import signed_in
from identity.usecases.act_for import choose, firms_of


class ActingFor(HTTPEndpoint):
    """The page, and what its form sends."""

    async def get(self, request: Request) -> Response:
        return await shown(request, partial(_page, request))

    async def post(self, request: Request) -> Response:
        """303 on, or to the page; tokens of this session say it from now on. Refused with `identity.no_mandate` for another's firm."""
        sealed, _ = await waiting(request)
        then = going_on(sealed) if sealed else "/acting-for"
        return await done(request, partial(_choose, request), partial(_page, request), then)


async def _choose(request: Request) -> None:
    parts, now = Parts.of(request), Parts.of(request).now()
    session, account = await signed_in(request)
    fields = await read_form(request)
    parts.forms.check(request, fields)
    await parts.within(lambda work: choose(work, session, account, fields.get("firm", ""), now=now))


async def _page(request: Request, status: int, problem: Told | None, wrong: str) -> Response:
    parts, now = Parts.of(request), Parts.of(request).now()
    session, account = await signed_in(request)
    firms = await parts.within(lambda work: firms_of(work, account, now=now))
    chosen = session.acting_for
    gone = bool(chosen) and chosen not in {held.firm.subject for held in firms}
    offered = [
        {"firm": held.firm, "item_codes": held.item_codes, "home": parts.elsewhere(held.firm.subject)} for held in firms
    ]
    told = {"firms": offered, "chosen": chosen, "gone": gone, **behind(*await waiting(request))}
    return form_page(request, "acting_for.html", status, problem=problem, **told)
