"""Hotline tickets: open, follow, transfer, answer, bounce."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from gateway.guard import Asking, GuardedRoute
from gateway.messages import hotline, page, view
from gateway.openapi import header, problems
from gateway.schemas.common import Cursor, IdempotencyKey, Ident, Page, Size
from gateway.schemas.tickets import AnswerSent, BounceSent, Ticket, TicketSent, TransferSent

router = APIRouter(route_class=GuardedRoute, tags=["tickets"])

_ACT: dict[str, Any] = {"response_model": Ticket, "responses": problems(404, 409)}


@router.post(
    "/v1/tickets",
    operation_id="open_ticket",
    summary="Open a ticket",
    status_code=201,
    response_model=Ticket,
    responses={201: {"headers": {"Location": header("Address of the ticket.")}}, **problems(404, 409)},
)
async def open_ticket(sent: TicketSent, key: IdempotencyKey, ask: Asking, response: Response) -> object:
    request = hotline.OpenTicketRequest(
        subject_line=sent.subject_line, body=sent.body, case_number=sent.case_number, idempotency_key=key
    )
    ticket = await ask("hotline.open_ticket", request)
    response.headers["Location"] = f"/v1/tickets/{ticket.number}"
    return view(ticket)


@router.get(
    "/v1/tickets",
    operation_id="list_tickets",
    summary="A citizen's own tickets, or the agents' worklist",
    response_model=Page[Ticket],
)
async def list_tickets(ask: Asking, size: Size = 20, cursor: Cursor = "") -> object:
    answer = await ask("hotline.list_tickets", hotline.ListTicketsRequest(page=page(size, cursor)))
    return {"items": [view(ticket) for ticket in answer.tickets], "next": answer.page.next or None}


@router.get(
    "/v1/tickets/{number}",
    operation_id="get_ticket",
    summary="One ticket",
    response_model=Ticket,
    responses=problems(404),
)
async def get_ticket(number: Ident, ask: Asking) -> object:
    return view(await ask("hotline.get_ticket", hotline.GetTicketRequest(number=number)))


@router.post(
    "/v1/tickets/{number}/transfer",
    operation_id="transfer_ticket",
    summary="转派: to the district it belongs to",
    **_ACT,
)
async def transfer_ticket(number: Ident, sent: TransferSent, key: IdempotencyKey, ask: Asking) -> object:
    request = hotline.TransferTicketRequest(
        number=number, to_district=sent.to_district, reason=sent.reason, idempotency_key=key
    )
    return view(await ask("hotline.transfer_ticket", request))


@router.post("/v1/tickets/{number}/answer", operation_id="answer_ticket", summary="Answer it", **_ACT)
async def answer_ticket(number: Ident, sent: AnswerSent, key: IdempotencyKey, ask: Asking) -> object:
    request = hotline.AnswerTicketRequest(number=number, answer=sent.answer, idempotency_key=key)
    return view(await ask("hotline.answer_ticket", request))


@router.post(
    "/v1/tickets/{number}/bounce",
    operation_id="bounce_ticket",
    summary='"Not ours": back to where it came from',
    **_ACT,
)
async def bounce_ticket(number: Ident, sent: BounceSent, key: IdempotencyKey, ask: Asking) -> object:
    request = hotline.BounceTicketRequest(number=number, reason=sent.reason, idempotency_key=key)
    return view(await ask("hotline.bounce_ticket", request))
