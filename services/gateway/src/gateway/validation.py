"""What FastAPI finds wrong with a request, as a problem: which fields, and why, but never their values."""

from __future__ import annotations

from chassis.edge import problem
from chassis.errors import Fault, Kind
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response

_MOST = 20


async def invalid_request(_: Request, error: Exception) -> Response:
    """422 `request.invalid`, or `request.key_missing` where only the idempotency key is."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if [e["loc"] for e in found] == [("header", "Idempotency-Key")] and found[0]["type"] == "missing":
        return problem(
            Fault("request.key_missing", Kind.INVALID, "Send an Idempotency-Key, so that a repeated request acts once.")
        )
    errors = [
        {"field": ".".join(map(str, e["loc"]))[:200], "message": _sentence(e["type"], e["msg"])} for e in found[:_MOST]
    ]
    fault = Fault(
        "request.invalid", Kind.INVALID, "The request is not acceptable; `errors` names the fields and says why."
    )
    return problem(fault, more={"errors": errors})


def _sentence(kind: str, message: str) -> str:
    if kind == "json_invalid":
        return "The body is not JSON."
    return message.removeprefix("Value error, ")[:300]
