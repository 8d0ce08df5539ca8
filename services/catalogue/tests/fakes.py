"""The catalogue's transaction in memory; it passes the same suite as the one on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from catalogue.domain.events import ItemPublished
from catalogue.domain.model import Item
from catalogue.domain.search import Found, Query, place_of
from catalogue.usecases.ports import Filters
from chassis.paging import Wish


@dataclass
class FakeItems:
    district: str
    kept: dict[str, Item] = field(default_factory=dict)
    #: Codes of items that an earlier release wrote.
    unindexed: set[str] = field(default_factory=set)

    def get(self, code: str) -> Item | None:
        return self.kept.get(code)

    get_for_change = get

    def save(self, item: Item) -> None:
        self.kept[item.code] = item

    def find(self, query: Query, filters: Filters, wish: Wish) -> Sequence[Found]:
        found = [Found(each, place) for each in self._of(filters) if (place := place_of(each, query)) is not None]
        later = [each for each in found if wish.after is None or each.place > wish.after]
        return sorted(later, key=lambda each: each.place)[: wish.size + 1]

    def stale(self, limit: int) -> Sequence[Item]:
        return [self.kept[code] for code in sorted(self.unindexed)[:limit]]

    def index(self, item: Item) -> None:
        self.unindexed.discard(item.code)

    def list(self, filters: Filters, wish: Wish) -> Sequence[Item]:
        def key(item: Item) -> tuple[bool, str]:
            return item.handling_district != self.district, item.code

        later = [item for item in self._of(filters) if wish.after is None or key(item) > wish.after]
        return sorted(later, key=key)[: wish.size + 1]

    def own(self) -> Iterator[Item]:
        return iter(sorted((item for item in self.kept.values() if item.handling_district == self.district), key=_code))

    def _of(self, filters: Filters) -> Iterator[Item]:
        for item in self.kept.values():
            here = filters.handling_district in ("", item.handling_district)
            if here and filters.mode in (None, item.content.terms.mode):
                yield item


@dataclass
class FakeWork:
    items: FakeItems
    recorded: list[ItemPublished] = field(default_factory=list)
    sent: list[tuple[str, Item]] = field(default_factory=list)

    @classmethod
    def of(cls, district: str) -> FakeWork:
        return cls(FakeItems(district))

    def record(self, event: ItemPublished) -> None:
        self.recorded.append(event)

    def send(self, event: ItemPublished, target: str) -> None:
        self.sent.append((target, event.item))


def _code(item: Item) -> str:
    return item.code
