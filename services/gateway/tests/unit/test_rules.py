"""Every route has a row, every row a route, and a row lets in its roles and nobody else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from chassis.assertion import Actor
from chassis.errors import Fault
from fastapi import APIRouter
from gateway.admission import let_in
from gateway.guard import GuardedRoute
from gateway.openapi import document
from gateway.routes import ROUTERS
from gateway.rules import CITIZEN, MACHINES, OPEN, ROLES, RULES, STAFF, Acr, Rule, RuleMissingError, Scope, Whose, table

ROUTES = [(next(iter(route.methods)), route.path) for router in ROUTERS for route in router.routes]
#: One request to each guarded route that its own checks let through.
KEY = {"Idempotency-Key": "k"}


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
    assert {row for row, rule in RULES.items() if rule is OPEN} == {
        "GET /livez",
        "GET /readyz",
        "GET /openapi.json",
    }
    assert all(rule.roles <= ROLES and rule.roles for rule in RULES.values() if rule is not OPEN)


GUARDED = [(method, path) for method, path in ROUTES if RULES[f"{method} {path}"] is not OPEN]


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_row_is_complete(method, path) -> None:
    rule = RULES[f"{method} {path}"]
    assert rule.scope is (Scope.READ if method == "GET" else Scope.API), "reading needs no right to act"
    assert rule.at, "somebody behind the gateway holds the roles to their objects"
    assert not rule.visitors or CITIZEN in rule.roles, "a visitor is a citizen or nothing"
    if rule.anybody:
        assert (method, set(rule.whose.values()), rule.roles) == ("GET", {Whose.PUBLIC}, ROLES), "nobody acts"
        assert {rule.least_acr(role) for role in ROLES} == {""}, "who says nothing is not let in further than who does"
        return
    for role in rule.roles:
        assert rule.whose[role] is not Whose.OWN or role in {CITIZEN, *MACHINES}, "staff has nothing of its own here"
        assert rule.least_acr(role) >= (Acr.L4 if role in STAFF else "" if role in MACHINES else Acr.L2)


def address(path: str) -> str:
    path = path.replace("{number}", "310101-20261123-ABCDEFGH").replace("{peer}", "310101").replace("{key}", "photo")
    return path.replace("{code}", "c").replace("{id}", "i").replace("{subject}", "s")


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_nobody_else_gets_past_a_row(gateway, ask, method, path) -> None:
    """Refused before the body is looked at, and before anything is asked of a service."""
    rule, there = RULES[f"{method} {path}"], address(path)
    if not rule.anybody:
        assert ask(method, there).json()["code"] == "token.missing"
    for role in [*sorted(ROLES - rule.roles), "nothing"]:
        answer = ask(method, there, role)
        assert (answer.status_code, answer.json()["code"]) == (403, "request.role_missing"), role
    assert gateway.bus.calls == []
    for role in sorted(rule.roles):
        assert ask(method, there, role).status_code not in (401, 403, 500), role


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_row_wants_its_scope(gateway, ask, method, path) -> None:
    rule, there = RULES[f"{method} {path}"], address(path)
    role = sorted(rule.roles)[0]
    enough = {frozenset({"api"}), frozenset({"openid", "api"})} | (
        {frozenset({"api.read"})} if rule.scope is Scope.READ else set()
    )
    for scopes in ({"api"}, {"openid", "api"}, {"api.read"}, {"openid", "profile"}, {"apis"}, {"API"}, set()):
        gateway.tokens.scopes = frozenset(scopes)
        answer = ask(method, there, role)
        if gateway.tokens.scopes in enough:
            assert answer.status_code not in (401, 403, 500), scopes
            continue
        assert (answer.status_code, answer.json()["code"]) == (403, "request.scope_missing"), scopes
        told = f'Bearer realm="tongban", error="insufficient_scope", scope="{rule.scope}"'
        assert answer.headers["www-authenticate"] == told


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_row_wants_a_sign_in_of_its_strength_and_says_how_to_get_it(gateway, ask, method, path) -> None:
    rule, there = RULES[f"{method} {path}"], address(path)
    for role in sorted(rule.roles):
        for acr in ("", "L1", "urn:made:up", "l5", "L2", "L3", "L4", "L5"):
            gateway.tokens.acr = acr
            answer, least = ask(method, there, role), rule.least_acr(role)
            if not least or (acr in set(Acr) and acr >= least):
                assert answer.status_code not in (401, 403, 500), (role, acr)
                continue
            assert (answer.status_code, answer.json()["code"]) == (403, "request.acr_too_low"), (role, acr)
            assert f"acr_values={least}" in answer.json()["detail"]
            assert answer.headers["www-authenticate"] == (
                f'Bearer realm="tongban", error="insufficient_user_authentication", acr_values="{least}"'
            )


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_somebody_of_another_district_is_a_citizen_here_or_nothing(gateway, ask, method, path) -> None:
    """Whatever roles the token names: what a person is at home says nothing of what they are here."""
    rule, there = RULES[f"{method} {path}"], address(path)
    gateway.tokens.home = "310101"
    answer = ask(method, there, *sorted(ROLES))
    if not rule.visitors:
        assert (answer.status_code, answer.json()["code"]) in (
            (403, "request.role_missing"),
            (403, "request.own_people_only"),
        )
        assert gateway.bus.calls == []
        return
    assert answer.status_code not in (401, 403, 500)
    for _, __, assertion in gateway.bus.calls:
        actor = gateway.acted_for(assertion)
        assert (actor.roles, actor.district) == ({CITIZEN}, "310101")


#: What a route needs besides being allowed, so that it gets as far as the bus.
QUERIES = {"GET /v1/deliveries": ["?about=310101-20261123-ABCDEFGH"], "GET /v1/items": ["", "?q=x"]}


def body_of(gateway, method: str, path: str) -> dict:
    """The document's own example of a body, where the operation has one."""
    operation = document(gateway.app)["paths"][path][method.lower()]
    if "requestBody" not in operation:
        return {}
    name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    return {"json": document(gateway.app)["components"]["schemas"][name]["examples"][0]}


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_route_asks_only_the_methods_that_its_row_names_with_only_the_roles_that_it_let_in(
    gateway, ask, method, path
) -> None:
    name = f"{method} {path}"
    rule, body = RULES[name], body_of(gateway, method, path)
    for query in QUERIES.get(name, [""]):
        answer = ask(method, address(path) + query, *sorted(ROLES), headers=KEY, **body)
        assert answer.status_code < 300, answer.text
    assert {called for called, _, __ in gateway.bus.calls} == set(rule.at)
    for _, __, assertion in gateway.bus.calls:
        assert gateway.acted_for(assertion).roles == rule.roles


PUBLIC = ["/v1/items", "/v1/items?q=x", "/v1/items/c"]


def test_only_the_catalogue_is_read_without_saying_who_one_is() -> None:
    assert [row for row, rule in RULES.items() if rule.anybody] == ["GET /v1/items", "GET /v1/items/{code}"]


@pytest.mark.parametrize("path", PUBLIC)
def test_what_is_public_is_asked_of_the_service_for_nobody(gateway, ask, path) -> None:
    assert ask("GET", path).status_code == 200
    ((_, __, assertion),) = gateway.bus.calls
    assert assertion == ""


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic eDp4"])
def test_who_shows_something_that_is_no_token_is_not_taken_for_nobody(gateway, ask, path, header) -> None:
    answer = ask("GET", path, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "token.missing")
    assert gateway.bus.calls == []


def test_the_readme_shows_the_table_as_it_is() -> None:
    """`python -m gateway rules` writes it."""
    assert f"\n{table()}\n" in (Path(__file__).parents[2] / "README.md").read_text()


def test_two_roles_of_one_person_are_judged_apart(gateway, ask) -> None:
    """A clerk who signed in weakly still reads an application of their own, as a citizen."""
    gateway.tokens.acr = "L3"
    assert ask("GET", "/v1/cases/310101-20261123-ABCDEFGH", "citizen", "clerk").status_code == 200
    ((_, __, assertion),) = gateway.bus.calls
    assert gateway.acted_for(assertion).roles == {CITIZEN}


def test_a_row_without_visitors_says_so_to_one() -> None:
    rule = Rule({CITIZEN: Whose.OWN}, ("a.b",))
    visitor = Actor("310101:x", "310101", frozenset({CITIZEN, "clerk"}), "L5", "portal")
    with pytest.raises(Fault) as refused:
        let_in(rule, visitor, frozenset({"api"}), "320508")
    assert (refused.value.code, refused.value.kind) == ("request.own_people_only", "forbidden")
    assert let_in(rule, replace(visitor, district="320508"), frozenset({"api"}), "320508").roles == {CITIZEN}
