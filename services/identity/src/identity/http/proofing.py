"""GET and POST /proofing: how strongly one's identity is proven, and how to raise it at the district's source."""

from __future__ import annotations

from datetime import date
from functools import partial

from chassis.logs import get_logger
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import Response

from identity.domain.errors import InvalidField
from identity.domain.federation import home_of
from identity.domain.firms import SHANGHAI
from identity.domain.proofs import LEVEL, Proof, Way
from identity.http.asking import ask
from identity.http.between import behind, waiting, wanted_acr
from identity.http.form_page import form_page
from identity.http.forms import read_form
from identity.http.parts import Parts
from identity.http.pending import going_on
from identity.http.refusals import Told, done, shown
from identity.http.signed_in import signed_in
from identity.http.switch import sign_in_at
from identity.usecases.prove_identity import ask_source, record_proof

log = get_logger(__name__)


class Proofing(HTTPEndpoint):
    """The page, and what its forms send."""

    async def get(self, request: Request) -> Response:
        return await shown(request, partial(_page, request))

    async def post(self, request: Request) -> Response:
        """303 on, or to the page, the account being as strong as the proof; else the page with its reason. A refusal changes nothing."""
        sealed, _ = await waiting(request)
        then = going_on(sealed) if sealed else "/proofing"
        return await done(request, partial(_prove, request), partial(_page, request), then)


async def _prove(request: Request) -> None:
    parts, now = Parts.of(request), Parts.of(request).now()
    _, account = await signed_in(request)
    fields = await read_form(request)
    parts.forms.check(request, fields)
    way, ends = _wish(fields)
    today = now.astimezone(SHANGHAI).date()
    await ask(request, account.subject, lambda: ask_source(parts.proofing, account, way, ends, today))
    proof = Proof(str(parts.new_id()), account.subject, way, parts.proofing.name, account.subject, now)
    raised = await parts.within(lambda work: record_proof(work, account, proof))
    log.info("identity proven", subject=account.subject, acr=raised.acr.value, way=way.value)


def _wish(fields: dict[str, str]) -> tuple[Way, date | None]:
    """Raises InvalidField."""
    match fields.get("way"):
        case "two_elements":
            return Way.TWO_ELEMENTS, None
        case "document":
            try:
                return Way.DOCUMENT, date.fromisoformat(fields.get("ends_on", ""))
            except ValueError:
                raise InvalidField("ends_on", "must be a day, as 2036-12-31", "日期格式应为 2036-12-31") from None
    raise InvalidField("way", "must be two_elements or document", "请选择核验方式")


async def _page(request: Request, status: int, problem: Told | None, wrong: str) -> Response:
    _, account = await signed_in(request)
    source, home = Parts.of(request).proofing, home_of(account.subject)
    sealed, pending = await waiting(request)
    return form_page(
        request,
        "proofing.html",
        status,
        problem=problem,
        wrong=wrong,
        acr=account.acr.value,
        elsewhere=Parts.of(request).elsewhere(account.subject),
        at_home=sign_in_at(home, sealed) if home and sealed else "",
        wanted=wanted_acr(pending),
        offered=source.name != "none" and account.person.id_number,
        note=source.note,
        to_l3=account.acr < LEVEL[Way.TWO_ELEMENTS],
        to_l4=account.acr < LEVEL[Way.DOCUMENT],
        **behind(sealed, pending),
    )
