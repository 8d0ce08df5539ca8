"""List every item that can be applied for in this district."""

from __future__ import annotations

from chassis.paging import Page, Wish, page

from catalogue.domain.model import Item
from catalogue.usecases.ports import Filters, Work


def list_items(work: Work, filters: Filters, wish: Wish, *, district: str) -> Page[Item]:
    """Own items first, then peers', each by code."""
    rows = work.items.list(filters, wish)
    return page(rows, wish, lambda item: (item.handling_district != district, item.code))
