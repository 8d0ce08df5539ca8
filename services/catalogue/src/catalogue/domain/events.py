"""What the catalogue tells others."""

from __future__ import annotations

from dataclasses import dataclass

from catalogue.domain.model import Item


@dataclass(frozen=True)
class ItemPublished:
    """An item was published or changed. In the owner's district it also goes to every linked district."""

    item: Item
