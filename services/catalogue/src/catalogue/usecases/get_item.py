"""Look up one item by its code."""

from __future__ import annotations

from catalogue.domain.errors import ItemNotFound
from catalogue.domain.model import Item
from catalogue.usecases.ports import Work


def get_item(work: Work, code: str) -> Item:
    """The item with this code, own or a peer's. Raises ItemNotFound."""
    item = work.items.get(code)
    if item is None:
        raise ItemNotFound
    return item
