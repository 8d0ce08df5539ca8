"""Find items by words in either language."""

from __future__ import annotations

from chassis.paging import Page, Wish, page

from catalogue.domain.model import Item
from catalogue.domain.policies import search_terms
from catalogue.usecases.ports import Work


def find_items(work: Work, query: str, handling_district: str, wish: Wish) -> Page[Item]:
    """Items in whose names, theme or audience every word of `query` occurs, by Chinese name.

    `handling_district` is empty for any. An empty query finds every item.
    """
    rows = work.items.find(search_terms(query), handling_district, wish)
    return page(rows, wish, lambda item: (item.content.name_zh, item.code))
