"""The signed registry of districts as its file has it, read once the root's signature holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from chassis.signed import BadDocument, Document, SigningKey

from identity.domain.errors import BadRegistry
from identity.domain.registry import District, Registry

FORMAT = "tongban-registry/1"


def read_root(path: Path) -> SigningKey:
    """The public half of the alliance's root key. Raises ValueError, OSError."""
    try:
        jwk = json.loads(path.read_text())
        if "d" in jwk:
            raise ValueError(f"{path}: holds the root's private key, which no service may have")
        return SigningKey(str(jwk["kid"]), str(jwk["alg"]), jwk)
    except (KeyError, TypeError):
        raise ValueError(f"{path}: needs the root's public key as a JSON Web Key with kid and alg") from None


def read_copy(text: str, root: SigningKey) -> Registry:
    """The registry in `text`. Raises BadRegistry unless the root signed it."""
    document = _document(text)
    if not document.signed_by(root):
        raise BadRegistry("the alliance's root key did not sign it")
    return _registry(document.says)


def kept_copy(text: str) -> Registry:
    """A registry whose signature was checked when it was kept."""
    return _registry(_document(text).says)


def _document(text: str) -> Document:
    try:
        return Document(text)
    except BadDocument as error:
        raise BadRegistry(str(error)) from None


def _registry(payload: Any) -> Registry:
    try:
        made = Registry(
            int(payload["version"]),
            datetime.fromisoformat(payload["expires_at"]),
            {str(part["code"]): _district(part) for part in payload["members"]},
        )
        if payload["format"] != FORMAT or made.version < 1 or made.expires_at.tzinfo is None:
            raise BadRegistry("its form is another")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadRegistry("its form is another") from None
    return made


def _district(part: Mapping[str, Any]) -> District:
    bilateral = part["relation"] != "alliance"
    return District(
        code=str(part["code"]),
        name_zh=str(part["name_zh"]),
        name_en=str(part["name_en"]),
        issuer=str(part["issuer"]),
        active=part["state"] == "active",
        linked_to=frozenset(map(str, part["linked_to"])) if bilateral else None,
    )
