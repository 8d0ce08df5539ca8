"""The OpenAPI 3.1 document: what FastAPI derives from the routes, with problems, rights and links made complete.

Every operation names every status it may answer with. What all share is added here once, from rules.py; a route itself
declares only what is its own (404, 409, 412 …) with `problems`.
"""

from __future__ import annotations

from typing import Any

from chassis.edge import PROBLEM
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from gateway.rules import OPEN, RULES, Rule, Whose
from gateway.schemas.common import Problem

_REF = {"$ref": "#/components/schemas/Problem"}
_GUARDED = (401, 403, 422, 429, 503)
_WITH_BODY = (408, 413, 415)

_MEANINGS = {
    401: "No access token, or one that is not acceptable.",
    403: "The caller may not do this; `code` says whether a role, the token's scope or the strength of the sign-in is missing.",
    404: "There is no such thing, or the caller may not know of it.",
    408: "The body did not arrive in time.",
    409: "It does not fit the state that things are in, or the key was used for something else.",
    412: "`If-Match` names another version than the present one.",
    413: "The body is larger than 1 MiB, or than 5 MiB where materials are sent.",
    415: "The body is not `application/json`.",
    422: "Something in the request is not acceptable; `details` and `errors` name it.",
    429: "Too many requests; `Retry-After` says when to come back.",
    503: "Something this needs is away, or did not answer in time; repeat after `Retry-After`, with the same `Idempotency-Key`.",
}

_CHALLENGES = {
    401: "Says that a bearer token is wanted, and why the one sent is none (RFC 6750).",
    403: "Where another token would do: the `scope` (RFC 6750) or the `acr_values` (RFC 9470) that it needs.",
}

_DESCRIPTION = """
The public JSON API of one district. Get an access token from the district's identity (`POST /token`) and send it as
`Authorization: Bearer …`; the catalogue of items is read without one. Lists are read page by page with `cursor`; a change takes an `Idempotency-Key`, so that it can
be repeated safely; errors are problem details (RFC 9457) with a stable `code`.

Each operation says what its token must be for (`x-scope`; `api` includes `api.read`), which roles reach whose things by it
(`x-roles`, `x-objects`: `public`, `own`, or `district` for what stands in this district's books), the weakest sign-in that
each role needs (`x-acr`, L2 to L5), and whether a person whom another district knows may use it (`x-visitors`, always as a
citizen). A sign-in that is too weak is told so with `WWW-Authenticate` (RFC 9470).
"""


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Responses of a route for these statuses."""
    return {status: _response(status) for status in statuses}


def header(meaning: str) -> dict[str, Any]:
    return {"description": meaning, "schema": {"type": "string"}}


ETAG = {"ETag": header("The version, for `If-Match` and `If-None-Match`.")}


def _response(status: int) -> dict[str, Any]:
    response: dict[str, Any] = {"description": _MEANINGS[status], "content": {PROBLEM: {"schema": _REF}}}
    if status in (429, 503):
        response["headers"] = {
            "Retry-After": {"description": "Seconds.", "schema": {"type": "string", "pattern": "^[0-9]+$"}}
        }
    if status in (401, 403):
        response["headers"] = {"WWW-Authenticate": header(_CHALLENGES[status])}
    return response


def document(app: FastAPI) -> dict[str, Any]:
    """The whole document; made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title="tongban",
            version=app.version,
            openapi_version="3.1.0",
            description=_DESCRIPTION.strip(),
            routes=app.routes,
        )
        _complete(made)
        app.openapi_schema = made
    return app.openapi_schema


def _complete(made: dict[str, Any]) -> None:
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            _complete_operation(operation, RULES[f"{method.upper()} {path}"])
    _link(made["paths"])
    schemas = made["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = TypeAdapter(Problem).json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    made["components"]["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token (RFC 9068) of this district's identity, at most 10 minutes old.",
        }
    }


def _complete_operation(operation: dict[str, Any], rule: Rule) -> None:
    responses = operation["responses"]
    for parameter in operation.get("parameters", ()):
        # A header or a query cannot be null, only absent.
        present = [schema for schema in parameter["schema"].pop("anyOf", ()) if schema != {"type": "null"}]
        parameter["schema"] |= present[0] if present else {}
    if rule is OPEN:
        responses.pop("422", None)
        return
    roles = sorted(rule.roles)
    operation["security"] = [{"token": [rule.scope.value]}, *([{}] if rule.anybody else [])]
    operation["x-scope"] = rule.scope.value
    operation["x-roles"] = roles
    operation["x-objects"] = {role: rule.whose[role].value for role in roles}
    operation["x-acr"] = {role: least for role in roles if (least := rule.least_acr(role))}
    operation["x-visitors"] = rule.visitors
    operation["description"] = "\n\n".join(filter(None, (operation.get("description"), _rights(rule))))
    for status in (*_GUARDED, *(_WITH_BODY if "requestBody" in operation else ())):
        responses[str(status)] = _response(status)
    operation["responses"] = dict(sorted(responses.items()))


def _rights(rule: Rule) -> str:
    """The rule as a sentence for whoever reads the document."""
    if rule.anybody:
        return f"For anybody, also without a token. A token that is sent must be acceptable, with the scope `{rule.scope}`."
    return f"For {'; '.join(_reach(rule, role) for role in sorted(rule.roles))}. Scope `{rule.scope}`." + (
        " A person of another district may, as a citizen." if rule.visitors else ""
    )


def _reach(rule: Rule, role: str) -> str:
    least = rule.least_acr(role)
    return f"`{role}` ({_WHOSE[rule.whose[role]]}{f', signed in with {least} or more' if least else ''})"


_WHOSE = {Whose.PUBLIC: "what is public", Whose.OWN: "their own", Whose.DISTRICT: "this district's"}


#: What a creating operation's answer leads to: operation → (path of the value in the body, parameter, operations).
_LINKS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "submit_case": (
        "$response.body#/number",
        "number",
        ("get_case", "get_timeline", "get_case_story", "accept_case", "grant_case", "refuse_case", "withdraw_case"),
    ),
    "register_kiosk": ("$response.body#/id", "id", ("get_kiosk", "record_heartbeat")),
    "open_ticket": (
        "$response.body#/number",
        "number",
        ("get_ticket", "transfer_ticket", "answer_ticket", "bounce_ticket"),
    ),
    "list_items": ("$response.body#/items/0/code", "code", ("get_item",)),
    "list_messages": ("$response.body#/items/0/id", "id", ("mark_message_read",)),
    "list_links": ("$response.body#/items/0/peer", "peer", ("list_sent_messages",)),
}


def _link(paths: dict[str, Any]) -> None:
    operations = {operation["operationId"]: operation for methods in paths.values() for operation in methods.values()}
    for source, (value, parameter, targets) in _LINKS.items():
        success = next(status for status in operations[source]["responses"] if status.startswith("2"))
        operations[source]["responses"][success]["links"] = {
            target: {"operationId": target, "parameters": {parameter: value}} for target in targets
        }
