"""Every route has a row, every row a route, and a row lets in its roles and nobody else."""

from __future__ import annotations

import pytest
from fastapi import APIRouter
from gateway.guard import GuardedRoute
from gateway.routes import ROUTERS
from gateway.rules import OPEN, ROLES, RULES, RuleMissingError

ROUTES = [(next(iter(route.methods)), route.path) for router in ROUTERS for route in router.routes]
#: One request to each guarded route that its own checks let through.
KEY = {"Idempotency-Key": "k"}
JWK = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


def test_the_table_and_the_routes_are_the_same_set(gateway) -> None:
    assert {f"{method} {path}" for method, path in ROUTES} == set(RULES)
    assert all(isinstance(route, GuardedRoute) for router in ROUTERS for route in router.routes)
    assert set(gateway.app.openapi_schema or {}) == set()
    served = {f"{m} {r.path}" for r in _routes(gateway.app.routes) for m in r.methods}
    assert served == set(RULES), "something is served past the table"


def _routes(routes):
    for route in routes:
        inner = getattr(getattr(route, "original_router", None) or route, "routes", None)
        if inner is None:
            yield route
        else:
            yield from _routes(inner)


def test_a_route_without_a_row_does_not_start() -> None:
    router = APIRouter(route_class=GuardedRoute)
    with pytest.raises(RuleMissingError):

        @router.get("/v1/secret")
        async def secret() -> None: ...


def test_only_the_three_pages_of_operation_are_open() -> None:
    assert {row for row, roles in RULES.items() if roles is OPEN} == {
        "GET /livez",
        "GET /readyz",
        "GET /openapi.json",
    }
    assert all(roles <= ROLES and roles for roles in RULES.values() if roles is not OPEN)


GUARDED = [(method, path) for method, path in ROUTES if RULES[f"{method} {path}"] is not OPEN]


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_nobody_else_gets_past_a_row(gateway, ask, method, path) -> None:
    """Refused before the body is looked at, and before anything is asked of a service."""
    address = path.replace("{number}", "310101-20261123-ABCDEFGH").replace("{peer}", "310101")
    address = address.replace("{code}", "c").replace("{id}", "i").replace("{subject}", "s")
    assert ask(method, address).json()["code"] == "token.missing"
    for role in [*sorted(ROLES - RULES[f"{method} {path}"]), "nothing"]:
        answer = ask(method, address, role)
        assert (answer.status_code, answer.json()["code"]) == (403, "request.role_missing"), role
    assert gateway.bus.calls == []
    for role in sorted(RULES[f"{method} {path}"]):
        assert ask(method, address, role).status_code not in (401, 403, 500), role
