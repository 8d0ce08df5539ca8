"""Bring a newly linked district up to date."""

from __future__ import annotations

from catalogue.domain.events import ItemPublished
from catalogue.usecases.ports import Work


def brief_peer(work: Work, peer: str) -> int:
    """Sends every own item to `peer`, which drops what it already has; returns how many."""
    count = 0
    for item in work.items.own():
        work.send(ItemPublished(item), peer)
        count += 1
    return count
