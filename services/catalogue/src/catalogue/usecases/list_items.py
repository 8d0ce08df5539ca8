"""List every item that can be applied for in this district."""

from __future__ import annotations

from chassis.paging import Page, Wish, page

from catalogue.domain.model import Item
from catalogue.usecases.ports import Work


def list_items(work: Work, handling_district: str, wish: Wish, *, district: str) -> Page[Item]:
    """Own items first, then peers', each by code; `handling_district` is empty for any."""
    rows = work.items.list(handling_district, wish)
    return page(rows, wish, lambda item: (item.handling_district != district, item.code))
