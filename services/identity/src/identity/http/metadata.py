"""What others need to check our tokens: the keys, and what this server does (RFC 8414). Nothing is claimed that it does not do."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from identity.domain.model import Assurance
from identity.domain.parties import Scope
from identity.http.parts import Parts
from identity.http.provider import METHODS
from identity.http.token import GRANTS

_ASSERTIONS = ("EdDSA", "Ed25519", "ES256", "RS256")
_CLAIMS = (
    "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "sid", "at_hash",
    "name", "kind", "roles", "home_district", "id_number", "firms", "acting_for",
    "acting_for_name",
)  # fmt: skip
_SHORT = {"Cache-Control": "public, max-age=300"}


async def keys(request: Request) -> Response:
    """The public halves of every key in use, as a JWKS (RFC 7517)."""
    return JSONResponse(Parts.of(request).signer.public, headers=_SHORT)


async def metadata(request: Request) -> Response:
    """OpenID Connect Discovery 1.0 section 3, RFC 8414, RFC 9207."""
    parts = Parts.of(request)
    issuer = parts.settings.issuer
    described = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "revocation_endpoint": f"{issuer}/revoke",
        "end_session_endpoint": f"{issuer}/end-session",
        "jwks_uri": f"{issuer}/jwks.json",
        "scopes_supported": [scope.value for scope in Scope],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "subject_types_supported": ["pairwise", "public"],
        "id_token_signing_alg_values_supported": parts.signer.algorithms,
        "token_endpoint_auth_methods_supported": list(METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(_ASSERTIONS),
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(_ASSERTIONS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": ["none", "login", "select_account"],
        "acr_values_supported": [acr.value for acr in Assurance],
        "claims_supported": list(_CLAIMS),
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "ui_locales_supported": ["zh-Hans", "en"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
    return JSONResponse(described, headers=_SHORT)
