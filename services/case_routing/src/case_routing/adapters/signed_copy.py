"""A signed agreement as its file has it, read once both parties' signatures hold.

The keys are those that the courier knows the parties by, from the registry that the alliance's root key signed. So a copy
that was altered anywhere on its way, or that only one party signed, is never kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis.signed import BadDocument, Document, SigningKey

from case_routing.domain.agreements import Agreement
from case_routing.domain.errors import BadAgreement

FORMAT = "tongban-agreement/1"


@dataclass(frozen=True, slots=True)
class PartyKey:
    """One signing key of a party; `public` is a JWK as JSON."""

    district: str
    kid: str
    alg: str
    public: str

    def signed(self, document: Document) -> bool:
        try:
            return document.signed_by(SigningKey(self.kid, self.alg, json.loads(self.public)))
        except (ValueError, TypeError, RecursionError):
            return False


def read_copy(text: str, keys: Sequence[PartyKey]) -> tuple[Agreement, str]:
    """The agreement in `text`, once both parties' signatures hold, and the text. Raises BadAgreement."""
    document = _document(text)
    made = _agreement(document.says)
    for code in made.parties:
        if not any(key.signed(document) for key in keys if key.district == code):
            raise BadAgreement(f"{code} did not sign it")
    return made, text


def kept_copy(text: str) -> Agreement:
    """An agreement whose signatures were checked when it was kept."""
    return _agreement(_document(text).says)


def _document(text: str) -> Document:
    try:
        return Document(text)
    except BadDocument as error:
        raise BadAgreement(str(error)) from None


def _agreement(payload: Any) -> Agreement:
    try:
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
