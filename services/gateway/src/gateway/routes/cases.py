"""Cases: apply, list, read, follow. What is done to a case stands in decisions.py."""

from __future__ import annotations

import base64
import hashlib

from fastapi import APIRouter, Request, Response

from gateway.adapters.traces import TraceSource
from gateway.attachments import ATTACHED, attached
from gateway.etag import etag, is_known
from gateway.guard import Asking, GuardedRoute
from gateway.messages import case_routing, page, view
from gateway.openapi import ETAG, header, problems
from gateway.schemas.cases import Case, CaseSent, CaseStory, MaterialKey, MaterialSent, Timeline
from gateway.schemas.common import CaseNumber, Cursor, IdempotencyKey, Page, Size

router = APIRouter(route_class=GuardedRoute, tags=["cases"])

_PRIVATE = {"Cache-Control": "private, no-cache"}


@router.post(
    "/v1/cases",
    operation_id="submit_case",
    summary="Apply: a complete application becomes a numbered case",
    status_code=201,
    response_model=Case,
    responses={201: {"headers": {**ETAG, "Location": header("Address of the case.")}}, **problems(404, 409)},
)
async def submit_case(sent: CaseSent, key: IdempotencyKey, ask: Asking, response: Response) -> object:
    """Durable when this answers. The same key and content again answer the same case."""
    request = case_routing.SubmitCaseRequest(
        item_code=sent.item_code,
        materials=[_material(material) for material in sent.materials],
        idempotency_key=key,
        kiosk_id=sent.kiosk_id,
    )
    case = await ask("case_routing.submit_case", request)
    response.headers["Location"] = f"/v1/cases/{case.number}"
    response.headers["ETag"] = etag(case.version)
    return view(case)


def _material(sent: MaterialSent) -> case_routing.Material:
    content = base64.b64decode(sent.content, validate=True)
    return case_routing.Material(
        key=sent.key,
        name=sent.name,
        media_type=sent.media_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
    )


@router.get(
    "/v1/cases", operation_id="list_my_cases", summary="The caller's own cases, newest first", response_model=Page[Case]
)
async def list_my_cases(ask: Asking, size: Size = 20, cursor: Cursor = "") -> object:
    answer = await ask("case_routing.list_my_cases", case_routing.ListMyCasesRequest(page=page(size, cursor)))
    return {"items": [view(case) for case in answer.cases], "next": answer.page.next or None}


@router.get(
    "/v1/worklist",
    operation_id="list_worklist",
    summary="What this district's clerks have to act on, oldest first",
    response_model=Page[Case],
)
async def list_worklist(ask: Asking, size: Size = 20, cursor: Cursor = "") -> object:
    answer = await ask("case_routing.list_worklist", case_routing.ListWorklistRequest(page=page(size, cursor)))
    return {"items": [view(case) for case in answer.cases], "next": answer.page.next or None}


@router.get(
    "/v1/cases/{number}",
    operation_id="get_case",
    summary="One case as this district knows it",
    response_model=Case,
    responses={
        200: {"headers": ETAG},
        304: {"description": "`If-None-Match` named the present version."},
        **problems(404),
    },
)
async def get_case(number: CaseNumber, ask: Asking, request: Request, response: Response) -> object:
    """A citizen sees own cases only."""
    case = await ask("case_routing.get_case", case_routing.GetCaseRequest(number=number))
    headers = {**_PRIVATE, "ETag": etag(case.version)}
    if is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return view(case)


@router.get(
    "/v1/cases/{number}/materials/{key}",
    operation_id="get_material",
    summary="One material as it was handed in",
    response_class=Response,
    responses={200: ATTACHED, **problems(404)},
)
async def get_material(number: CaseNumber, key: MaterialKey, ask: Asking) -> Response:
    """For the applicant; for clerks of the district that decides, and of the intake district while the case lies with it undecided."""
    return attached(await ask("case_routing.get_material", case_routing.GetMaterialRequest(number=number, key=key)))


@router.get(
    "/v1/cases/{number}/timeline",
    operation_id="get_timeline",
    summary="Both districts' acts, in order",
    response_model=Timeline,
    responses=problems(404),
)
async def get_timeline(number: CaseNumber, ask: Asking) -> object:
    answer = await ask("case_routing.get_timeline", case_routing.GetCaseRequest(number=number))
    return {"items": [view(entry) for entry in answer.entries]}


@router.get(
    "/v1/cases/{number}/trace",
    operation_id="get_case_story",
    summary="The case's traces, and this district's spans of them",
    response_model=CaseStory,
    responses=problems(404),
)
async def get_case_story(number: CaseNumber, ask: Asking, request: Request) -> object:
    answer = await ask("case_routing.get_case_traces", case_routing.GetCaseRequest(number=number))
    source: TraceSource = request.app.state.trace_source
    batches = await source.batches(sorted({trace.trace_id for trace in answer.traces}))
    return {
        "number": number,
        "district": request.app.state.settings.district,
        "districts": list(answer.districts),
        "traces": [view(trace) for trace in answer.traces],
        "spans_available": batches is not None,
        "spans": batches or [],
    }
