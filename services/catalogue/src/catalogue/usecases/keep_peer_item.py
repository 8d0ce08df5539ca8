"""Keep a copy of what a peer published."""

from __future__ import annotations

from catalogue.domain.events import ItemPublished
from catalogue.domain.model import Item
from catalogue.domain.policies import check_content, is_newer_copy
from catalogue.usecases.ports import Work


def keep_peer_item(work: Work, offered: Item, *, sender: str) -> bool:
    """Whether the copy changed. An older or equal version changes nothing, so any order and any repetition is right.

    Raises NotTheOwner: a district publishes its own items only. Raises InvalidItem for what breaks an item's rules.
    """
    check_content(offered.content)
    kept = work.items.get_for_change(offered.code)
    if not is_newer_copy(kept, offered, sender):
        return False
    work.items.save(offered)
    work.record(ItemPublished(offered))
    return True
