"""Publish a new version of an item that this district owns."""

from __future__ import annotations

from datetime import datetime

from catalogue.domain.errors import ForeignItem
from catalogue.domain.events import ItemPublished
from catalogue.domain.model import Content, Item
from catalogue.domain.policies import check_content
from catalogue.usecases.ports import EVERY_LINKED_DISTRICT, Work


def publish_item(work: Work, content: Content, *, district: str, now: datetime) -> tuple[Item, bool]:
    """The item as published, and whether that changed anything; the same content again changes nothing.

    Raises InvalidItem, PromisedAboveStatutory, and ForeignItem where a peer's item has this code.
    """
    check_content(content)
    kept = work.items.get_for_change(content.code)
    if kept is None:
        item = Item(content, district, version=1, published_at=now)
    elif kept.handling_district != district:
        raise ForeignItem(kept.handling_district)
    elif kept.content == content:
        return kept, False
    else:
        item = kept.revised(content, now)
    work.items.save(item)
    work.record(ItemPublished(item))
    work.send(ItemPublished(item), EVERY_LINKED_DISTRICT)
    return item, True
