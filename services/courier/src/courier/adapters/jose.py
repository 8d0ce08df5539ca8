"""Signing and sealing, by joserfc: JWS (RFC 7515) and JWE (RFC 7516), never anything of our own.

Signatures are EdDSA over Ed25519 (RFC 8037) by default; a member may be registered with ES256 or with the fully
specified name Ed25519 (RFC 9864). The algorithm is taken from the registry's entry of the key, never from the message.

Bodies are sealed with ECDH-ES in direct key agreement (RFC 7518, section 4.6) over X25519 (RFC 8037) and A256GCM:
an envelope has one reader, so wrapping a second key (ECDH-ES+A256KW) would add octets and time and protect nothing;
X25519 has no invalid points to check for, and measured faster than P-256 here (sealing 0.11 ms, opening 0.08 ms).
"""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwe import JWERegistry, decrypt_compact, encrypt_compact
from joserfc.jwk import Key, import_key
from joserfc.jws import JWSRegistry

from courier.domain.canonical import canonical
from courier.domain.envelope import MAX_CLAIMS, MAX_ENVELOPE
from courier.domain.errors import Malformed, Unauthenticated

# joserfc warns that RFC 9864 prefers the name "Ed25519"; the protocol says EdDSA, and the registry pins the key to it.
warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)

KEY_AGREEMENT, CONTENT = "ECDH-ES", "A256GCM"


class _Signatures(JWSRegistry):
    max_payload_length = MAX_ENVELOPE


class _Seals(JWERegistry):
    max_ciphertext_length = MAX_ENVELOPE


_SEALS = _Seals(algorithms=[KEY_AGREEMENT, CONTENT])
#: For taking apart, not for checking.
_SIZES = _Signatures()


@lru_cache(maxsize=8)
def _signatures(algorithm: str) -> _Signatures:
    return _Signatures(algorithms=[algorithm])


@lru_cache(maxsize=256)
def _imported(text: str) -> Key:
    return import_key(json.loads(text))


def key_of(jwk: Mapping[str, Any]) -> Key:
    """The key that a JWK describes; the same object for the same JWK, so that it is parsed once."""
    return _imported(json.dumps(dict(jwk), sort_keys=True))


def sign(payload: bytes, jwk: Mapping[str, Any], kid: str, alg: str) -> str:
    """A compact JWS with `kid` in its protected header."""
    return jws.serialize_compact({"alg": alg, "kid": kid}, payload, key_of(jwk), registry=_signatures(alg))


@lru_cache(maxsize=8)
def _read(signed: str) -> jws.CompactSignature:
    """The parts of a compact JWS, nothing of it believed; the same text is taken apart once. Raises Malformed."""
    try:
        found = jws.extract_compact(signed.encode("ascii"), registry=_SIZES)
        header = found.headers()
    except (JoseError, ValueError, UnicodeError, RecursionError):
        raise Malformed("not_a_signature") from None
    if set(header) != {"alg", "kid"} or not isinstance(header["kid"], str):
        raise Malformed("bad_signature_header")
    return found


def kid_of(signed: str, limit: int = MAX_CLAIMS) -> str:
    """The key id that a compact JWS names, not yet believed. Raises Malformed."""
    return str(_within(signed, limit).headers()["kid"])


def unverified_payload(signed: str, limit: int = MAX_CLAIMS) -> bytes:
    """What a compact JWS says, before anybody knows whose it is. Raises Malformed."""
    return _within(signed, limit).payload


def _within(signed: str, limit: int) -> jws.CompactSignature:
    if len(signed) > limit:
        raise Malformed("too_large")
    return _read(signed)


def verify(signed: str, jwk: Mapping[str, Any], alg: str) -> bytes:
    """What a compact JWS says, once its signature holds under this key and this algorithm. Raises Unauthenticated."""
    try:
        found = _read(signed)
        if not jws.validate_compact(found, key_of(jwk), registry=_signatures(alg)):
            raise Unauthenticated("bad_signature")
    except (JoseError, ValueError, UnicodeError, RecursionError):
        raise Unauthenticated("bad_signature") from None
    return found.payload


def seal(body: bytes, jwk: Mapping[str, Any], kid: str) -> str:
    """A compact JWE that only the holder of the private key opens."""
    header = {"alg": KEY_AGREEMENT, "enc": CONTENT, "kid": kid}
    return encrypt_compact(header, body, key_of(jwk), registry=_SEALS)


def unseal(sealed: str, keys: Collection[Mapping[str, Any]]) -> bytes:
    """The body, opened with the private key that the JWE names. Raises Malformed."""
    try:
        kid = json.loads(_decoded(sealed.split(".", 1)[0])).get("kid")
        jwk = next(key for key in keys if key.get("kid") == kid)
        return decrypt_compact(sealed, key_of(jwk), registry=_SEALS).plaintext or b""
    except StopIteration:
        raise Malformed("sealed_to_unknown_key") from None
    except (JoseError, ValueError, AttributeError, UnicodeError, RecursionError, TypeError):
        raise Malformed("cannot_be_unsealed") from None


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638 thumbprint: the key id we give."""
    return key_of(jwk).thumbprint()


# Documents with several signatures (registry, agreement): general JSON serialisation, RFC 7515 section 7.2.1 ----------


def signed_document(
    payload: Any,
    jwk: Mapping[str, Any],
    kid: str,
    alg: str,
    *,
    others: Collection[Any] = (),
    shown: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """`payload` in canonical JSON with this signature after those of `others`.

    `shown`: the public key, to stand in the header for whoever has no other way to get it.
    """
    protected = {"alg": alg, "kid": kid, **({"jwk": dict(shown)} if shown else {})}
    members: Any = [{"protected": protected}]
    made: Any = jws.serialize_json(members, canonical(payload), key_of(jwk), registry=_signatures(alg))
    return {"payload": made["payload"], "signatures": [*others, *made["signatures"]]}


def shown_key(document: Any) -> dict[str, Any] | None:
    """The public key that the first signature shows of itself. Believing it is the caller's decision."""
    with suppress(JoseError, KeyError, IndexError, TypeError, ValueError, AttributeError):
        header = json.loads(_decoded(document["signatures"][0]["protected"]))
        return {**header["jwk"], "kid": header["kid"], "alg": header["alg"]}
    return None


def document_payload(document: Any) -> bytes:
    """What a document says, before its signatures are checked. Raises Malformed."""
    try:
        if set(document) != {"payload", "signatures"} or not isinstance(document["signatures"], list):
            raise Malformed("not_a_signed_document")
        return _decoded(document["payload"])
    except (TypeError, ValueError, AttributeError, UnicodeError):
        raise Malformed("not_a_signed_document") from None


def signed_by(document: Any, jwk: Mapping[str, Any], kid: str, alg: str) -> bool:
    """Whether one of the document's signatures is that of this key."""
    for signature in document["signatures"]:
        try:
            if json.loads(_decoded(signature["protected"])).get("kid") != kid:
                continue
            flat: Any = {"payload": document["payload"], **signature}
            jws.deserialize_json(flat, key_of(jwk), registry=_signatures(alg))
        except (JoseError, KeyError, TypeError, ValueError, AttributeError, UnicodeError, RecursionError):
            continue
        return True
    return False


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part.encode("ascii") + b"=" * (-len(part) % 4))
