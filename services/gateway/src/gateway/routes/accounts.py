"""Accounts, for operators and for clerks at a window."""

from __future__ import annotations

from fastapi import APIRouter

from gateway.guard import Asking, GuardedRoute
from gateway.messages import identity, view
from gateway.openapi import problems
from gateway.schemas.accounts import Account, DisablingSent, ProofSent, ProvenAccount
from gateway.schemas.common import Subject

router = APIRouter(route_class=GuardedRoute, tags=["accounts"])


@router.post(
    "/v1/accounts/{subject}/disable",
    operation_id="disable_account",
    summary="Shut an account out: its sessions end at once, its tokens within 10 minutes",
    response_model=Account,
    responses=problems(404, 409),
)
async def disable_account(subject: Subject, sent: DisablingSent, ask: Asking) -> object:
    request = identity.DisableAccountRequest(subject=subject, reason=sent.reason)
    return view(await ask("identity.disable_account", request))


@router.post(
    "/v1/proofs",
    operation_id="record_proof",
    summary="A clerk had the person and their document before them: their identity is proven as strongly as can be",
    response_model=ProvenAccount,
    responses=problems(404, 409),
)
async def record_proof(sent: ProofSent, ask: Asking) -> object:
    request = identity.RecordProofRequest(login=sent.login, name=sent.name, id_number=sent.id_number)
    return view(await ask("identity.record_proof", request))
