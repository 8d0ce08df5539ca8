"""Refusals that say how to get in: each carries the challenge of `WWW-Authenticate`.

| code | status | challenge |
|---|---|---|
| `token.missing` | 401 | none but the scheme (RFC 6750 section 3) |
| `token.refused`, `token.session_ended` | 401 | `invalid_token` (section 3.1) |
| `request.scope_missing` | 403 | `insufficient_scope` and the scope (section 3.1) |
| `request.acr_too_low` | 403 | `insufficient_user_authentication` and `acr_values` (RFC 9470 section 3) |

RFC 9470 shows its challenge on a 401. It stands on a 403 here, so that a client which fetches a new token and repeats on every
401 does not do so in vain: the same session would only give it the same strength again.
"""

from __future__ import annotations

from chassis.edge import problem
from chassis.errors import Fault, Kind
from starlette.requests import Request
from starlette.responses import Response


class Challenged(Fault):
    """A refusal with the parameters of its challenge (RFC 9110 section 11.6.1); values are ours, never a caller's."""

    def __init__(self, code: str, kind: Kind, message: str, **challenge: str) -> None:
        super().__init__(code, kind, message)
        self.challenge = challenge


async def challenge(_: Request, error: Exception) -> Response:
    """The refusal as a problem, with its challenge."""
    assert isinstance(error, Challenged)
    told = "".join(f', {name}="{value}"' for name, value in error.challenge.items())
    return problem(error, headers={"WWW-Authenticate": f'Bearer realm="tongban"{told}'})


def missing() -> Fault:
    return Challenged("token.missing", Kind.UNAUTHENTICATED, "Send one access token: Authorization: Bearer <token>.")


def refused(why: str) -> Fault:
    return Challenged(
        "token.refused",
        Kind.UNAUTHENTICATED,
        f"The access token is not acceptable: {why}. Get a new one from identity.",
        error="invalid_token",
    )


def session_ended() -> Fault:
    return Challenged(
        "token.session_ended",
        Kind.UNAUTHENTICATED,
        "The session that this access token was given in has ended. Sign in again.",
        error="invalid_token",
    )


def scope_missing(scope: str) -> Fault:
    return Challenged(
        "request.scope_missing",
        Kind.FORBIDDEN,
        f"The access token was not made for this; ask identity for one with the scope {scope}.",
        error="insufficient_scope",
        scope=scope,
    )


def acr_too_low(least: str) -> Fault:
    return Challenged(
        "request.acr_too_low",
        Kind.FORBIDDEN,
        f"This needs a sign-in of strength {least} or more. Sign in again with acr_values={least}; whose identity was "
        "never proven that strongly has it proven first, at a service window or with a certificate.",
        error="insufficient_user_authentication",
        acr_values=least,
    )
