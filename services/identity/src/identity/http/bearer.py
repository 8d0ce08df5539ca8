"""Whoever's access token came with a request to an address of this district's own (RFC 6750)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chassis.edge import problem
from chassis.errors import Fault, fault_of
from starlette.requests import Request
from starlette.responses import Response

from identity.adapters.storage import Storage
from identity.domain.errors import ScopeMissing, TokenRefused
from identity.domain.model import Account, Session
from identity.domain.parties import Scope
from identity.http.parts import Parts
from identity.usecases.find_session import stands

_LONGEST = 8192


@dataclass(frozen=True)
class Bearer:
    """Whom the token speaks for, and what it says."""

    account: Account
    session: Session
    claims: Mapping[str, Any]

    @property
    def scope(self) -> frozenset[str]:
        return frozenset(self.claims["scope"].split())


def token_of(request: Request) -> str:
    """The token in the header; one in a form or in an address is not looked at. Raises TokenRefused."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(token) <= _LONGEST:
        raise TokenRefused
    return token


def believed_bearer(parts: Parts, work: Storage, token: str) -> Bearer:
    """Raises TokenRefused; ScopeMissing where it is not about who somebody is.

    A token ends with its session, and with the grant that it came of, sooner than by its time.
    """
    claims, now = parts.signer.believed(token, "at+jwt"), parts.now()
    if parts.settings.issuer not in claims["aud"] or datetime.fromtimestamp(claims["exp"], UTC) <= now:
        raise TokenRefused
    if Scope.OPENID not in claims["scope"].split():
        raise ScopeMissing(Scope.OPENID)
    session = work.sessions.by_sid(claims.get("sid", ""))
    grant = work.grants.get(claims["grant"]) if "grant" in claims else None
    if session is None or not stands(work, session, now=now, silence=parts.silence):
        raise TokenRefused
    if "grant" in claims and (grant is None or grant.ended_at):
        raise TokenRefused
    account = work.accounts.get(session.subject)
    if account is None or not account.enabled:
        raise TokenRefused
    return Bearer(account, session, claims)


def bearer_refusal(request: Request, error: Exception) -> Response:
    """A problem with the challenge that RFC 6750 section 3 asks for. Raises what is no fault."""
    fault = fault_of(error)
    if fault is None:
        raise error
    return problem(fault, headers=_challenge(request, fault))


def _challenge(request: Request, fault: Fault) -> dict[str, str]:
    told = 'Bearer realm="tongban"'
    if fault.code == ScopeMissing.code:
        told += f', error="insufficient_scope", scope="{fault.details["scope"]}"'
    elif fault.code != TokenRefused.code:
        return {}
    elif "authorization" in request.headers:
        told += ', error="invalid_token"'
    return {"WWW-Authenticate": told}
