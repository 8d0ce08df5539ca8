"""Accounts, for operators."""

from __future__ import annotations

from fastapi import APIRouter

from gateway.guard import Asking, GuardedRoute
from gateway.messages import identity, view
from gateway.openapi import problems
from gateway.schemas.accounts import Account, DisablingSent
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
