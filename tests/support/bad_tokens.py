"""Tokens that nobody may believe, each made from one that is good: what the edge and every service on the bus are tried with.

    good = Genuine(key, header, claims)
    good.token()                  the positive control
    bad_tokens(good, stranger)    name → token: the same person, the same claims, and one thing wrong

Signed by hand, because no library signs what these headers say (RFC 8725 lists most of the attacks).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import OKPKey

#: In place of a value: the member is left out.
ABSENT: Any = object()


@dataclass(frozen=True)
class Genuine:
    """A token as its issuer makes it; `key` is the one that whoever checks knows under `header["kid"]`."""

    key: OKPKey
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    def token(self, *, header: Mapping[str, Any] | None = None, key: OKPKey | None = None, **claims: Any) -> str:
        """The token with members of its header and its claims changed, signed by its issuer's key or by `key`."""
        head, body = part(changed(self.header, header or {})), part(changed(self.claims, claims))
        return signed(f"{head}.{body}", key or self.key)


def changed(members: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**members, **changes}.items() if value is not ABSENT}


def encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def part(value: Any) -> str:
    return encoded(json.dumps(value).encode())


def signed(text: str, key: OKPKey) -> str:
    """`text` with an Ed25519 signature (RFC 8037 section 3.1), whatever its header says."""
    return f"{text}.{encoded(key.private_key.sign(text.encode()))}"


def bad_tokens(good: Genuine, stranger: OKPKey) -> dict[str, str]:
    """Every way in which `good` can be wrong, by name. `stranger` has a key of its own, and no standing."""
    return {**_other_algorithms(good), **_keys_of_their_own(good, stranger), **_tampered(good), **_wrong_claims(good)}


def _other_algorithms(good: Genuine) -> dict[str, str]:
    body, public = part(good.claims), good.key.public_key

    def headed(alg: Any) -> str:
        return f"{part({**good.header, 'alg': alg})}.{body}"

    def by_secret(secret: bytes) -> str:
        text = headed("HS256")
        return f"{text}.{encoded(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"

    curve = ec.generate_private_key(ec.SECP256R1())
    r, s = decode_dss_signature(curve.sign(headed("ES256").encode(), ec.ECDSA(SHA256())))
    signature = good.token().rpartition(".")[2]
    jwk = good.key.as_dict(private=False)
    return {
        "alg none": headed("none") + ".",
        "alg nOnE": headed("nOnE") + ".",
        "alg none with a signature": f"{headed('none')}.{signature}",
        "alg none signed all the same": signed(headed("none"), good.key),
        "alg in lower case": signed(headed("eddsa"), good.key),
        "no alg": signed(f"{part(changed(good.header, {'alg': ABSENT}))}.{body}", good.key),
        "alg a list": signed(headed(["EdDSA"]), good.key),
        "HS256 with the public key as JWK": by_secret(json.dumps(jwk).encode()),
        "HS256 with the public key as PEM": by_secret(
            public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        ),
        "HS256 with the public key's octets": by_secret(public.public_bytes(Encoding.Raw, PublicFormat.Raw)),
        "HS256 with an empty secret": by_secret(b""),
        "ES256 by a key nobody knows": f"{headed('ES256')}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}",
    }


def _keys_of_their_own(good: Genuine, stranger: OKPKey) -> dict[str, str]:
    jwk, chain = stranger.as_dict(private=False), [base64.b64encode(b"a certificate").decode()]
    elsewhere = "https://127.20.99.1:1/jwks.json"
    kid = good.header["kid"]
    return {
        "a stranger's key under our name": good.token(key=stranger),
        "a stranger's key under its own name": good.token(key=stranger, header={"kid": "stranger"}),
        "an embedded jwk": good.token(key=stranger, header={"jwk": {**jwk, "kid": kid}}),
        "an embedded jwk and no kid": good.token(key=stranger, header={"jwk": jwk, "kid": ABSENT}),
        "an embedded jwk on a good signature": good.token(header={"jwk": jwk}),
        "a jku": good.token(key=stranger, header={"jku": elsewhere}),
        "a jku on a good signature": good.token(header={"jku": elsewhere}),
        "an x5c": good.token(key=stranger, header={"x5c": chain}),
        "an x5u": good.token(key=stranger, header={"x5u": elsewhere}),
        "no kid": good.token(header={"kid": ABSENT}),
        "an unknown kid": good.token(header={"kid": "unknown"}),
        "a kid that is a path": good.token(header={"kid": "../../../../dev/null"}),
        "a kid that is a list": good.token(header={"kid": [kid]}),
        "an extension nobody knows": good.token(header={"crit": ["tongban"], "tongban": True}),
        "an extension that is no list": good.token(header={"crit": "exp"}),
        "an unencoded payload": good.token(header={"crit": ["b64"], "b64": False}),
    }


def _tampered(good: Genuine) -> dict[str, str]:
    head, body, signature = good.token().split(".")
    other = good.token(jti="another").rpartition(".")[2]
    more = part({**good.claims, "roles": ["citizen", "clerk", "operator", "publisher", "fleet_manager"]})
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    return {
        "no signature": f"{head}.{body}.",
        "two parts": f"{head}.{body}",
        "four parts": f"{head}.{body}.{signature}.{signature}",
        "five parts": f"{head}..{body}.{body}.{signature}",
        "more roles than were signed": f"{head}.{more}.{signature}",
        "another header than was signed": f"{part({**good.header, 'x': 1})}.{body}.{signature}",
        "another token's signature": f"{head}.{body}.{other}",
        "a changed signature": f"{head}.{body}.{flipped}",
        "a payload that is a list": signed(f"{head}.{part([1])}", good.key),
        "a payload that is a token": signed(f"{head}.{encoded(good.token().encode())}", good.key),
        "a payload that is no JSON": signed(f"{head}.{encoded(b'{')}", good.key),
        "a header that is a list": signed(f"{part(['EdDSA'])}.{body}", good.key),
        "only dots": "." * 40,
        "a word": "token",
    }


def _wrong_claims(good: Genuine) -> dict[str, str]:
    issued = good.claims["iat"]
    wrong: dict[str, dict[str, Any]] = {
        "expired": {"iat": issued - 400, "exp": issued - 100},
        "no exp": {"exp": ABSENT},
        "an exp that is a word": {"exp": "soon"},
        "an exp that is a number in a text": {"exp": str(good.claims["exp"])},
        "an exp that is true": {"exp": True},
        "an endless exp": {"exp": float("inf")},
        "a life of a day": {"exp": issued + 86_400},
        "issued in the future": {"iat": issued + 3600, "exp": issued + 3660},
        "no iat": {"iat": ABSENT},
        "valid only later": {"nbf": issued + 3600},
        "an nbf that is a word": {"nbf": "now"},
        "no issuer": {"iss": ABSENT},
        "another issuer": {"iss": "https://127.20.99.1:1"},
        "a list of issuers": {"iss": [good.claims["iss"]]},
        "no audience": {"aud": ABSENT},
        "another audience": {"aud": "somebody else"},
        "an audience that is a number": {"aud": 7},
        "no subject": {"sub": ABSENT},
        "an empty subject": {"sub": ""},
        "a subject that is a number": {"sub": 7},
        "no roles": {"roles": ABSENT},
        "roles that are a text": {"roles": "citizen clerk operator"},
        "roles that are an object": {"roles": {"clerk": True}},
        "roles that are numbers": {"roles": [1, 2]},
        "roles within roles": {"roles": [["clerk"]]},
        "no district": {"district": ABSENT},
        "an acr that is a number": {"acr": 5},
        "no client": {"client_id": ABSENT},
    }
    return {name: good.token(**changes) for name, changes in wrong.items()}
