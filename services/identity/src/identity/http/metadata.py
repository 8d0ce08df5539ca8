"""What others need to check our tokens: the keys, and what this server does (RFC 8414). Nothing is claimed that it does not do."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from identity.http.parts import Parts
from identity.http.token import CLIENT_GRANT, SESSION_GRANT

_SHORT = {"Cache-Control": "public, max-age=300"}


async def keys(request: Request) -> Response:
    """The public halves of every key in use, as a JWKS (RFC 7517)."""
    return JSONResponse(Parts.of(request).signer.public, headers=_SHORT)


async def metadata(request: Request) -> Response:
    issuer = Parts.of(request).settings.issuer
    described = {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks.json",
        "grant_types_supported": [CLIENT_GRANT, SESSION_GRANT],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["EdDSA"],
        # Required by RFC 8414; empty, because there is no authorization endpoint.
        "response_types_supported": [],
    }
    return JSONResponse(described, headers=_SHORT)
