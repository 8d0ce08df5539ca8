"""The relying parties of a district that are no peers: JSON files, read and checked once at the start.

Each is a list of objects: `client_id`, `name` ({"zh", "en"}), `redirect_uris`, `scopes`, and `jwks` (a JWKS with the public keys that
its assertions are signed with) or `"public": true`; where wanted `post_logout_redirect_uris`, `backchannel_logout_uri`,
`sector`, `id_token_alg`. Who may call the gateway (`api`, `api.read`) knows people by their own subject, everybody else by one
of the sector's: the host of its redirect URIs, unless `sector` names another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import import_key

from identity.adapters.token_keys import algorithm_of
from identity.domain.errors import InvalidParty
from identity.domain.parties import FOR_THE_GATEWAY, RelyingParty, Scope

_FIELDS = {
    "client_id", "name", "redirect_uris", "post_logout_redirect_uris", "backchannel_logout_uri", "scopes", "jwks", "public",
    "sector", "id_token_alg",
}  # fmt: skip
#: Six digits are a peer's (GB/T 2260), and peers come from the signed registry alone.
_CLIENT_ID = re.compile(r"(?![0-9]{6}$)[a-z0-9._-]{3,64}")
_LOOPBACK = {"127.0.0.1", "[::1]", "localhost"}


def read_parties(paths: Iterable[str | Path]) -> dict[str, RelyingParty]:
    """By client id, of all files. Raises InvalidParty, naming the row and what is wrong with it."""
    found: dict[str, RelyingParty] = {}
    for row in (row for path in paths for row in _rows(Path(path))):
        party = _party(row)
        if party.client_id in found:
            raise InvalidParty(party.client_id, "stands there twice")
        found[party.client_id] = party
    return found


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidParty(str(path), f"the file cannot be read as JSON ({type(error).__name__})") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidParty(str(path), "the file must be a list of objects")
    return rows


def _party(row: Mapping[str, Any]) -> RelyingParty:
    client_id = str(row.get("client_id", ""))

    def must(right: object, rule: str) -> None:
        if not right:
            raise InvalidParty(client_id, rule)

    must(_CLIENT_ID.fullmatch(client_id), "client_id must be 3 to 64 characters of a-z 0-9 . _ -, and not six digits")
    must(not row.keys() - _FIELDS, f"does not know {', '.join(sorted(row.keys() - _FIELDS))}")
    name: Any = row.get("name")
    must(isinstance(name, dict) and all(_is_text(name.get(tongue)) for tongue in ("zh", "en")), "name needs zh and en")
    scopes: Any = row.get("scopes")
    known = {scope.value for scope in Scope} - {Scope.IDENTITY}
    must(_is_texts(scopes) and Scope.OPENID in scopes, "scopes must be a list with openid in it")
    must(set(scopes) <= known, f"scopes may be {', '.join(sorted(known))}; identity is for peers alone")
    public = row.get("public", False)
    must(public is True or (public is False and "jwks" in row), "needs either jwks or public: true")
    must(not (public and "jwks" in row), "is either public or has keys")
    uris = {part: row.get(part, []) for part in ("redirect_uris", "post_logout_redirect_uris")}
    for part, found in uris.items():
        must(_is_texts(found), f"{part} must be a list of addresses")
        must(
            all(_is_address(uri, loopback=public) for uri in found),
            f"{part} must be absolute https URLs without a fragment",
        )
    must(uris["redirect_uris"], "redirect_uris must not be empty")
    told_at = row.get("backchannel_logout_uri", "")
    must(told_at == "" or _is_address(told_at), "backchannel_logout_uri must be an https URL without a fragment")
    alg = row.get("id_token_alg", "EdDSA")
    must(alg in ("EdDSA", "ES256", "RS256"), "id_token_alg must be EdDSA, ES256 or RS256")
    hosts = {urlsplit(uri).netloc for uri in uris["redirect_uris"]}
    sector = row.get("sector") or ("" if len(hosts) > 1 else hosts.pop())
    if own := bool(set(scopes) & FOR_THE_GATEWAY):
        must("sector" not in row, "sector is not for a party with the scope api or api.read")
    must(own or _is_text(sector), "sector must be named where redirect_uris have several hosts")
    return RelyingParty(
        client_id=client_id,
        name={tongue: name[tongue] for tongue in ("zh", "en")},
        redirect_uris=tuple(uris["redirect_uris"]),
        scopes=frozenset(map(Scope, scopes)),
        post_logout_redirect_uris=tuple(uris["post_logout_redirect_uris"]),
        backchannel_logout_uri=told_at,
        keys=() if public else _keys(client_id, row["jwks"]),
        sector="" if own else f"sector/{sector}",
        signed_with=alg,
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 512 and value.isprintable()


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value)) and len(set(value)) == len(value)


def _is_address(uri: object, *, loopback: bool = False) -> bool:
    """https; for a public client on the person's own machine http at a loopback address too (RFC 8252 section 7.3)."""
    if not isinstance(uri, str) or not re.fullmatch(r"[!-~]+", uri) or "#" in uri or "\\" in uri:
        return False
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        return False
    if not host or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (loopback and parts.scheme == "http" and host in _LOOPBACK)


def _keys(client_id: str, jwks: Any) -> tuple[str, ...]:
    try:
        rows = [dict(row) for row in jwks["keys"]]
        keys = [import_key(row) for row in rows]
        if not keys or any(key.is_private for key in keys) or not all(map(algorithm_of, keys)):
            raise ValueError
    except (JoseError, ValueError, KeyError, TypeError):
        raise InvalidParty(
            client_id, "jwks must hold public keys alone: Ed25519, P-256, or RSA of 2048 bits and more"
        ) from None
    return tuple(json.dumps(row, sort_keys=True) for row in rows)
