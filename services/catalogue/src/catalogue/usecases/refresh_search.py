"""Bring what the search looks at up to date with items that were written without it."""

from __future__ import annotations

from catalogue.usecases.ports import Work

#: Items in one transaction.
BATCH = 200


def refresh_search(work: Work) -> bool:
    """Whether there may be more: an earlier release writes items that this one's search does not know yet."""
    stale = work.items.stale(BATCH)
    for item in stale:
        work.items.index(item)
    return len(stale) == BATCH
