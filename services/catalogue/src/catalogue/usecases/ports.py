"""What the use cases need of a database: the fake of the tests and `adapters/storage.py` pass one suite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from chassis.paging import Wish

from catalogue.domain.events import ItemPublished
from catalogue.domain.model import Item, Mode
from catalogue.domain.search import Found, Query


@dataclass(frozen=True)
class Filters:
    """Which items are wanted at all."""

    #: Division code of the district that decides; empty for any.
    handling_district: str = ""
    mode: Mode | None = None


#: As a target: whoever is linked with this district.
EVERY_LINKED_DISTRICT = "*"


class Items(Protocol):
    """Own items and copies of peers', by code."""

    def get(self, code: str) -> Item | None: ...

    def get_for_change(self, code: str) -> Item | None:
        """As `get`, and nobody else changes or creates this code before the transaction ends."""

    def save(self, item: Item) -> None: ...

    def find(self, query: Query, filters: Filters, wish: Wish) -> Sequence[Found]:
        """What `query` finds, by place; one more than the wish's size."""

    def stale(self, limit: int) -> Sequence[Item]:
        """Items that were written without what the search looks at; nobody else gets them before the transaction ends."""

    def index(self, item: Item) -> None:
        """Keeps what the search looks at; `save` does so by itself."""

    def list(self, filters: Filters, wish: Wish) -> Sequence[Item]:
        """Every item, by (is a peer's copy, code): own first; one more than the wish's size."""

    def own(self) -> Iterator[Item]:
        """This district's items, by code."""


class Work(Protocol):
    """One transaction."""

    @property
    def items(self) -> Items: ...

    def record(self, event: ItemPublished) -> None:
        """Tells this district's services."""

    def send(self, event: ItemPublished, target: str) -> None:
        """Tells the district `target`, or every linked one where it is `EVERY_LINKED_DISTRICT`."""
