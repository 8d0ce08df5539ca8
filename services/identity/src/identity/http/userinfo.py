"""GET, POST /userinfo: what a relying party may know of whoever its access token speaks for (OpenID Connect Core section 5.3)."""

from __future__ import annotations

from typing import Any

from chassis.sealed import mask_name
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from identity.adapters.storage import Storage
from identity.domain.federation import home_of
from identity.domain.parties import RelyingParty, Scope
from identity.domain.vouching import MOST_FIRMS, may_be_told, told_of
from identity.http.bearer import Bearer, bearer_refusal, believed_bearer, token_of
from identity.http.parts import Parts
from identity.usecases.act_for import firms_of


async def userinfo(request: Request) -> Response:
    """200 with the claims of the token's scopes; 401 or 403 as a problem."""
    parts = Parts.of(request)

    def find(work: Storage) -> dict[str, Any]:
        return _claims(parts, work, believed_bearer(parts, work, token_of(request)))

    try:
        return JSONResponse(await parts.within(find))
    except Exception as error:
        return bearer_refusal(request, error)


def _claims(parts: Parts, work: Storage, bearer: Bearer) -> dict[str, Any]:
    """`sub` is the one of the ID token, so that a relying party can compare them (section 5.3.2)."""
    account, person = bearer.account, bearer.account.person
    claims: dict[str, Any] = {"sub": bearer.claims["sub"]}
    if Scope.PROFILE in bearer.scope:
        claims |= {
            "name": mask_name(person.name),
            "kind": account.kind.value,
            "roles": sorted(role.value for role in account.roles),
            "home_district": home_of(account.subject) or parts.settings.district,
            "acr": bearer.claims["acr"],
        }
    if Scope.IDENTITY in bearer.scope:
        claims |= {"name": person.name, "id_number": person.id_number, "acr": bearer.claims["acr"]}
        if party := parts.party(work, bearer.claims["client_id"]):
            claims["firms"] = _firms(parts, work, bearer, party)
    return claims


def _firms(parts: Parts, work: Storage, bearer: Bearer, party: RelyingParty) -> list[dict[str, Any]]:
    """For which firms of this district the person may act now; each by the name that it has in files for that peer, too."""
    held = filter(may_be_told, firms_of(work, bearer.account, now=parts.now()))
    return [told_of(each, parts.subject_for(party, each.firm.subject)) for each in list(held)[:MOST_FIRMS]]
