"""Find items by what a person would call them, in either language."""

from __future__ import annotations

from chassis.paging import Page, Wish, page

from catalogue.domain.model import Item
from catalogue.domain.search import Found, Vocabulary, check_query, exact, near
from catalogue.usecases.ports import Filters, Work

#: How a cursor of this list looks: whether the search was exact, and where the last row stood.
KEY = (bool, int, int, int, str, str)


def find_items(work: Work, text: str, filters: Filters, wish: Wish, vocabulary: Vocabulary) -> Page[Item]:
    """Items that hold every word of `text`, those with it in their title first and short titles before long ones.

    Where no item holds them all: those that hold most, at least half. A text without words finds every item by name; one
    with signs alone finds none. A cursor stays with the kind of search that gave it. Raises InvalidQuery.
    """
    check_query(text)
    was_exact = wish.after[0] if wish.after else True
    place = Wish(wish.size, wish.after[1:] if wish.after else None)
    query = exact(text, vocabulary) if was_exact else near(text, vocabulary)
    if text.strip() and not query.words:
        return Page(())
    rows = work.items.find(query, filters, place)
    if not rows and wish.after is None and query.words:
        was_exact, rows = False, work.items.find(near(text, vocabulary), filters, place)
    found: Page[Found] = page(rows, wish, lambda row: (was_exact, *row.place))
    return Page(tuple(found.map(lambda row: row.item)), found.next)
