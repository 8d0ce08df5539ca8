"""The catalogue's transaction in memory; it passes the same suite as the one on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from catalogue.domain.events import ItemPublished
from catalogue.domain.model import Item
from catalogue.domain.policies import search_text
from chassis.paging import Wish


@dataclass
class FakeItems:
    district: str
    kept: dict[str, Item] = field(default_factory=dict)

    def get(self, code: str) -> Item | None:
        return self.kept.get(code)

    get_for_change = get

    def save(self, item: Item) -> None:
        self.kept[item.code] = item

    def find(self, terms: Sequence[str], handling_district: str, wish: Wish) -> Sequence[Item]:
        rows = [item for item in self.kept.values() if all(term in search_text(item.content) for term in terms)]
        return self._page(rows, handling_district, wish, lambda item: (item.content.name_zh, item.code))

    def list(self, handling_district: str, wish: Wish) -> Sequence[Item]:
        rows = list(self.kept.values())
        return self._page(
            rows, handling_district, wish, lambda item: (item.handling_district != self.district, item.code)
        )

    def own(self) -> Iterator[Item]:
        return iter(sorted((item for item in self.kept.values() if item.handling_district == self.district), key=_code))

    def _page(self, rows, handling_district, wish, key) -> Sequence[Item]:
        wanted = [item for item in rows if handling_district in ("", item.handling_district)]
        later = [item for item in wanted if wish.after is None or key(item) > wish.after]
        return sorted(later, key=key)[: wish.size + 1]


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
