"""A document that several may sign: JWS in general JSON serialisation (RFC 7515, section 7.2.1) over JSON.

The courier tells of the registry of districts and of agreements in this form; a service that keeps a copy of its own checks the
signatures itself, so that what was altered anywhere on its way is never kept.
"""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import import_key

# joserfc warns that RFC 9864 prefers the name "Ed25519"; whoever brings the key pins it to its algorithm.
warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)

#: What a signing key may be registered with; the algorithm comes with the key, never from the document.
ALGORITHMS = frozenset({"EdDSA", "Ed25519", "ES256"})
#: Characters of the longest document that is read.
LONGEST = 1024 * 1024


class BadDocument(ValueError):
    """The text is no signed document."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The public half of a key that may sign; `jwk` is a JWK (RFC 7517)."""

    kid: str
    alg: str
    jwk: Mapping[str, Any]


class Document:
    """A document, nothing of it believed until `signed_by` says so."""

    def __init__(self, text: str) -> None:
        """Raises BadDocument for what is none."""
        try:
            found = json.loads(text) if len(text) <= LONGEST else None
            if not isinstance(found, dict) or not isinstance(found["signatures"], list):
                raise BadDocument("it is no signed document")
            self._payload, self._signatures = found["payload"], found["signatures"]
            self.says: Any = json.loads(_decoded(self._payload))
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
            raise BadDocument("it is no signed document") from None

    def signed_by(self, key: SigningKey) -> bool:
        """Whether one of the signatures is that of this key, under this key's algorithm."""
        return key.alg in ALGORITHMS and any(self._holds(signature, key) for signature in self._signatures)

    def _holds(self, signature: Any, key: SigningKey) -> bool:
        try:
            if json.loads(_decoded(signature["protected"])).get("kid") != key.kid:
                return False
            flat: Any = {"payload": self._payload, **signature}
            jws.deserialize_json(flat, import_key(dict(key.jwk)), algorithms=[key.alg])
        except (JoseError, KeyError, TypeError, ValueError, AttributeError, RecursionError):
            return False
        return True


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part.encode("ascii") + b"=" * (-len(part) % 4))
