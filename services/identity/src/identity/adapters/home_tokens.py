"""Tokens that other districts' providers signed: only with a key that the provider publishes, under that key's own algorithm."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from identity.adapters.homes import Homes
from identity.adapters.token_keys import algorithm_names, algorithm_of
from identity.domain.errors import HomeAnswerRefused
from identity.domain.registry import District

_LONGEST = 16 * 1024
#: Nothing that a header brings with it is ever used as a key.
_NAMES = {"alg", "kid", "typ", "cty"}


async def verified(token: Any, district: District, homes: Homes) -> tuple[Mapping[str, Any], Mapping[str, Any], str]:
    """Header, claims and algorithm, once the signature holds. Raises HomeAnswerRefused, HomeAway."""
    kid = str(_header(token)["kid"])
    jwk = await homes.key(district, kid)
    if jwk is None:
        raise HomeAnswerRefused("kid")
    try:
        key = import_key(dict(jwk))
        if not (names := algorithm_names(key)):
            raise HomeAnswerRefused("key")
        found = jwt.decode(token, key, algorithms=names)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise HomeAnswerRefused("signature") from None
    return found.header, found.claims, algorithm_of(key)


def claimed_issuer(token: str) -> str:
    """Who a token says it is from; nothing is checked yet. Raises HomeAnswerRefused."""
    _header(token)
    return str(_part(token, 1).get("iss", ""))


def _header(token: Any) -> Mapping[str, Any]:
    if not isinstance(token, str) or not 0 < len(token) <= _LONGEST or token.count(".") != 2:
        raise HomeAnswerRefused("form")
    header = _part(token, 0)
    if header.keys() - _NAMES or not isinstance(header.get("kid"), str):
        raise HomeAnswerRefused("header")
    return header


def _part(token: str, place: int) -> Mapping[str, Any]:
    try:
        text = token.split(".")[place].encode("ascii")
        found = json.loads(base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise HomeAnswerRefused("form")
    return found
