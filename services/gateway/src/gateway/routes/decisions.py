"""What is done to a case: receive, accept, grant, refuse, deliver, withdraw, hand over, recall.

Each takes an `Idempotency-Key`, and may take `If-Match` so that nobody acts on a version they have not seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from chassis.edge import problem
from chassis.errors import Fault
from fastapi import APIRouter, Depends, Header, Response

from gateway.etag import etag, expected_version
from gateway.guard import Ask, Asking, GuardedRoute
from gateway.messages import case_routing, view
from gateway.openapi import ETAG, problems
from gateway.schemas.cases import Case, GrantSent, RefusalSent
from gateway.schemas.common import CaseNumber, IdempotencyKey

router = APIRouter(route_class=GuardedRoute, tags=["cases"])

_OTHER_VERSION = "case_routing.version_conflict"

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        pattern=r'^(\*|(W/)?"[!#-~]{0,100}")$',
        description="The ETag that the decision is based on.",
        examples=['"3"'],
    ),
]


@dataclass(frozen=True)
class Act:
    """An act on a case, not done yet."""

    ask: Ask
    request: dict[str, Any]
    response: Response

    async def send(self, method: str) -> object:
        return await self._send(method, case_routing.ActOnCaseRequest(**self.request))

    async def decide(self, method: str, reasons: str) -> object:
        return await self._send(method, case_routing.DecideCaseRequest(**self.request, reasons=reasons))

    async def _send(self, method: str, request: Any) -> object:
        """The case after the act, or 412 where `If-Match` names another version."""
        try:
            case = await self.ask(f"case_routing.{method}", request)
        except Fault as fault:
            if fault.code == _OTHER_VERSION:
                return problem(fault, status=412)  # RFC 9110 section 15.5.13: what If-Match asked for does not hold
            raise
        self.response.headers["ETag"] = etag(case.version)
        return view(case)


async def _acting(
    number: CaseNumber, key: IdempotencyKey, ask: Asking, response: Response, if_match: IfMatch = None
) -> Act:
    request = {"number": number, "expected_version": expected_version(if_match), "idempotency_key": key}
    return Act(ask, request, response)


Acting = Annotated[Act, Depends(_acting)]

_OPTIONS: dict[str, Any] = {"response_model": Case, "responses": {200: {"headers": ETAG}, **problems(404, 409, 412)}}


@router.post(
    "/v1/cases/{number}/receive", operation_id="receive_case", summary="收件: form and identity are checked", **_OPTIONS
)
async def receive_case(act: Acting) -> object:
    return await act.send("receive_case")


@router.post(
    "/v1/cases/{number}/accept", operation_id="accept_case", summary="受理: the decision clock starts", **_OPTIONS
)
async def accept_case(act: Acting) -> object:
    return await act.send("accept_case")


@router.post("/v1/cases/{number}/grant", operation_id="grant_case", summary="准予: the result is produced", **_OPTIONS)
async def grant_case(act: Acting, sent: GrantSent) -> object:
    return await act.decide("grant_case", sent.reasons)


@router.post(
    "/v1/cases/{number}/refuse", operation_id="refuse_case", summary="不予: with reasons, delivered too", **_OPTIONS
)
async def refuse_case(act: Acting, sent: RefusalSent) -> object:
    return await act.decide("refuse_case", sent.reasons)


@router.post(
    "/v1/cases/{number}/deliver",
    operation_id="deliver_case",
    summary="送达: the decision reached the person",
    **_OPTIONS,
)
async def deliver_case(act: Acting) -> object:
    return await act.send("deliver_case")


@router.post(
    "/v1/cases/{number}/withdraw", operation_id="withdraw_case", summary="The applicant takes it back", **_OPTIONS
)
async def withdraw_case(act: Acting) -> object:
    return await act.send("withdraw_case")


@router.post(
    "/v1/cases/{number}/hand-over",
    operation_id="hand_over_case",
    summary="Offer a case that came back to the other district again",
    **_OPTIONS,
)
async def hand_over_case(act: Acting) -> object:
    return await act.send("hand_over_case")


@router.post(
    "/v1/cases/{number}/recall",
    operation_id="recall_hand_over",
    summary="Ask for an offered hand-over back",
    **_OPTIONS,
)
async def recall_hand_over(act: Acting) -> object:
    return await act.send("recall_hand_over")
