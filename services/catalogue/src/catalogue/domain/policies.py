"""The catalogue's decisions, as pure functions."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256

from catalogue.domain.errors import InvalidItem, NotTheOwner
from catalogue.domain.model import Content, Item, MaterialRequirement
from catalogue.domain.search import AUDIENCE_WORDS, normalised

_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MATERIAL_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LONGEST = {"name_zh": 200, "name_en": 300, "theme": 100, "source": 500}
_MOST_MATERIALS = 50
#: No limit in Chinese administrative law comes near it; it catches a slip of the hand.
_LONGEST_LIMIT_DAYS = 1000


def check_content(content: Content) -> None:
    """Raises InvalidItem for the first field that breaks its rule."""
    if not _CODE.fullmatch(content.code):
        raise InvalidItem("code", "must be 1 to 64 characters of A-Z a-z 0-9 . _ -")
    for field, longest in _LONGEST.items():
        _check_text(field, getattr(content, field), longest, may_be_empty=field == "source")
    if content.terms.statutory_limit_days > _LONGEST_LIMIT_DAYS:
        raise InvalidItem("statutory_limit_days", f"must be at most {_LONGEST_LIMIT_DAYS} working days")
    _check_materials(content.terms.materials)


def _check_materials(materials: tuple[MaterialRequirement, ...]) -> None:
    if len(materials) > _MOST_MATERIALS:
        raise InvalidItem("materials", f"must be at most {_MOST_MATERIALS}")
    if len({material.key for material in materials}) < len(materials):
        raise InvalidItem("materials", "must each have a key of their own")
    for material in materials:
        if not _MATERIAL_KEY.fullmatch(material.key):
            raise InvalidItem("materials", "must have keys of 1 to 64 characters of a-z 0-9 _, beginning with a letter")
        _check_text("materials' name_zh", material.name_zh, 200)
        _check_text("materials' name_en", material.name_en, 300, may_be_empty=True)


def _check_text(field: str, text: str, longest: int, *, may_be_empty: bool = False) -> None:
    if not text.strip() and not may_be_empty:
        raise InvalidItem(field, "must not be empty")
    if len(text) > longest:
        raise InvalidItem(field, f"must be at most {longest} characters")
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in text):
        raise InvalidItem(field, "must be one line of text")


def code_for(district: str, name_zh: str) -> str:
    """The code of an imported item: stable per district and name. It is opaque: no standard's inner structure is claimed."""
    return f"{district}-{sha256(name_zh.encode()).hexdigest()[:8]}"


def is_newer_copy(kept: Item | None, offered: Item, sender: str) -> bool:
    """Whether a peer's item replaces the copy kept of it: newer, and sent by its owner.

    Raises NotTheOwner where the sender does not own it, by its own word or by the copy kept.
    """
    for owner in (offered.handling_district, kept.handling_district if kept else sender):
        if owner != sender:
            raise NotTheOwner(sender, owner)
    return kept is None or offered.version > kept.version


def search_text(content: Content) -> str:
    """What the previous release's search looks at: both names, theme and audience."""
    words = (content.name_zh, content.name_en, content.theme, AUDIENCE_WORDS[content.audience])
    return " ".join(normalised(" ".join(words)).split())


def grams(text: str) -> set[str]:
    """Every single character and pair of neighbours in `text`, without white space: the previous release's index."""
    words = text.split()
    return {word[at : at + width] for word in words for width in (1, 2) for at in range(len(word) - width + 1)}
