"""A signed agreement as its file has it: JWS in general JSON serialisation (RFC 7515, section 7.2.1) over JSON.

The keys are those that the courier knows the parties by, from the registry that the alliance's root key signed. So a copy
that was altered anywhere on its way, or that only one party signed, is never kept.
"""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import import_key

from case_routing.domain.agreements import Agreement
from case_routing.domain.errors import BadAgreement

# joserfc warns that RFC 9864 prefers the name "Ed25519"; the registry pins the key to its algorithm.
warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)

FORMAT = "tongban-agreement/1"
#: What a member's signing key may be registered with.
ALGORITHMS = frozenset({"EdDSA", "Ed25519", "ES256"})
MAX_TEXT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PartyKey:
    """One signing key of a party; `public` is a JWK as JSON."""

    district: str
    kid: str
    alg: str
    public: str


def read_copy(text: str, keys: Sequence[PartyKey]) -> tuple[Agreement, str]:
    """The agreement in `text`, once both parties' signatures hold, and the text. Raises BadAgreement."""
    document = _document(text)
    made = _agreement(document)
    for code in made.parties:
        if not any(_signed_by(document, key) for key in keys if key.district == code):
            raise BadAgreement(f"{code} did not sign it")
    return made, text


def kept_copy(text: str) -> Agreement:
    """An agreement whose signatures were checked when it was kept."""
    return _agreement(_document(text))


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text) if len(text) <= MAX_TEXT else None
        if not isinstance(document, dict) or not isinstance(document["signatures"], list):
            raise BadAgreement("it is no signed document")
    except (ValueError, KeyError, RecursionError):
        raise BadAgreement("it is no signed document") from None
    return document


def _agreement(document: dict[str, Any]) -> Agreement:
    try:
        payload = json.loads(_decoded(document["payload"]))
        one, other = payload["parties"]
        made = Agreement(
            (str(one), str(other)),
            int(payload["version"]),
            datetime.fromisoformat(payload["valid_from"]),
            datetime.fromisoformat(payload["valid_until"]) if payload["valid_until"] is not None else None,
            {giver: frozenset(what) for giver, what in payload["opens"].items()},
        )
        if payload["format"] != FORMAT or made.version < 1 or made.valid_from.tzinfo is None:
            raise BadAgreement("its form is another")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadAgreement("its form is another") from None
    return made


def _signed_by(document: dict[str, Any], key: PartyKey) -> bool:
    if key.alg not in ALGORITHMS:
        return False
    for signature in document["signatures"]:
        try:
            if json.loads(_decoded(signature["protected"])).get("kid") != key.kid:
                continue
            flat: Any = {"payload": document["payload"], **signature}
            jws.deserialize_json(flat, import_key(json.loads(key.public)), algorithms=[key.alg])
        except (JoseError, KeyError, TypeError, ValueError, AttributeError, UnicodeError, RecursionError):
            continue
        return True
    return False


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part.encode("ascii") + b"=" * (-len(part) % 4))
