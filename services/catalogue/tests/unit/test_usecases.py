"""What the catalogue does, on the fake."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from catalogue.adapters.vocabulary import vocabulary
from catalogue.domain.errors import ForeignItem, InvalidItem, InvalidQuery, ItemNotFound, NotTheOwner
from catalogue.domain.events import ItemPublished
from catalogue.domain.model import Provenance
from catalogue.usecases.brief_peer import brief_peer
from catalogue.usecases.find_items import KEY, find_items
from catalogue.usecases.get_item import get_item
from catalogue.usecases.keep_peer_item import keep_peer_item
from catalogue.usecases.list_items import list_items
from catalogue.usecases.ports import EVERY_LINKED_DISTRICT, Filters
from catalogue.usecases.publish_item import publish_item
from catalogue.usecases.refresh_search import BATCH, refresh_search
from chassis.clock import FixedClock
from chassis.paging import Wish, wish

from ..factories import GUSU, HUANGPU, content, item
from ..fakes import FakeWork

clock = FixedClock()


@pytest.fixture
def work() -> FakeWork:
    return FakeWork.of(GUSU)


def test_a_published_item_is_told_here_and_to_every_linked_district(work) -> None:
    published, changed = publish_item(work, content(), district=GUSU, now=clock.now())
    assert changed
    assert (published.version, published.handling_district, published.published_at) == (1, GUSU, clock.now())
    assert work.recorded == [ItemPublished(published)]
    assert work.sent == [(EVERY_LINKED_DISTRICT, published)]


def test_the_same_content_again_changes_nothing_and_tells_nobody(work) -> None:
    first, _ = publish_item(work, content(), district=GUSU, now=clock.now())
    again, changed = publish_item(work, content(), district=GUSU, now=clock.advance(days=1))
    assert (again, changed) == (first, False)
    assert len(work.recorded) == len(work.sent) == 1


def test_every_change_is_one_version_on(work) -> None:
    publish_item(work, content(), district=GUSU, now=clock.now())
    changed, _ = publish_item(work, content(name_en="renamed"), district=GUSU, now=clock.now())
    assert changed.version == 2
    assert get_item(work, changed.code).content.name_en == "renamed"


def test_a_peers_item_cannot_be_published_here(work) -> None:
    work.items.save(item("x", district=HUANGPU))
    with pytest.raises(ForeignItem) as refused:
        publish_item(work, content("x"), district=GUSU, now=clock.now())
    assert (refused.value.code, refused.value.kind, refused.value.details) == (
        "catalogue.foreign_item",
        "conflict",
        {"owner": HUANGPU},
    )
    assert work.sent == []


def test_an_item_that_breaks_a_rule_is_not_published(work) -> None:
    with pytest.raises(InvalidItem):
        publish_item(work, content(name_zh=""), district=GUSU, now=clock.now())
    assert work.items.kept == {}


def test_an_unknown_code_is_refused_with_what_to_do(work) -> None:
    with pytest.raises(ItemNotFound, match="look it up by name") as refused:
        get_item(work, "nothing")
    assert (refused.value.code, refused.value.kind) == ("catalogue.item_not_found", "not_found")


def test_a_peers_item_is_kept_and_told_here_only(work) -> None:
    offered = item("x", district=HUANGPU)
    assert keep_peer_item(work, offered, sender=HUANGPU)
    assert get_item(work, "x") == offered
    assert work.recorded == [ItemPublished(offered)]
    assert work.sent == []


def test_any_order_and_any_repetition_of_a_peers_versions_ends_with_the_newest(work) -> None:
    versions = {n: item("x", district=HUANGPU, version=n, name_en=f"version {n}") for n in (1, 2, 3)}
    for n in (2, 3, 1, 3, 2):
        keep_peer_item(work, versions[n], sender=HUANGPU)
    assert get_item(work, "x") == versions[3]
    assert [event.item.version for event in work.recorded] == [2, 3]


def test_a_peer_cannot_take_over_an_item_of_ours_or_of_another(work) -> None:
    ours = item("ours")
    work.items.save(ours)
    for forged in (item("ours", district=HUANGPU, version=9), item("ours", version=9), item("new", district="330102")):
        with pytest.raises(NotTheOwner):
            keep_peer_item(work, forged, sender=HUANGPU)
    assert work.items.kept == {"ours": ours}


def test_a_peers_item_that_breaks_a_rule_is_not_kept(work) -> None:
    with pytest.raises(InvalidItem):
        keep_peer_item(work, item("x", district=HUANGPU, name_zh=""), sender=HUANGPU)


def test_a_new_peer_gets_every_own_item_and_no_copy(work) -> None:
    work.items.save(item("b"))
    work.items.save(item("a"))
    work.items.save(item("c", district=HUANGPU))
    assert brief_peer(work, "330102") == 2
    assert [(target, each.code) for target, each in work.sent] == [("330102", "a"), ("330102", "b")]


@dataclass(frozen=True)
class request:
    cursor: str = ""
    size: int = 2


def walk(read) -> list[str]:
    """Every code that the pages show, read as a caller does: with nothing but the cursor."""
    codes, cursor = [], ""
    for _ in range(10):
        page = read(cursor)
        codes += [each.code for each in page.rows]
        if not (cursor := page.next):
            return codes
    raise AssertionError("the list never ended")


def test_walking_a_list_shows_every_item_once(work) -> None:
    for code, district in (("d", GUSU), ("a", HUANGPU), ("c", GUSU), ("b", HUANGPU), ("e", GUSU)):
        work.items.save(item(code, district=district))
    listed = walk(
        lambda cursor: list_items(work, Filters(), wish(request(cursor), bool, str), district=GUSU),
    )
    found = walk(lambda cursor: find_items(work, "card", Filters(), wish(request(cursor), *KEY), vocabulary()))
    assert listed == ["c", "d", "e", "a", "b"]
    assert found == ["a", "b", "c", "d", "e"]


def test_a_recalled_name_stays_marked(work) -> None:
    publish_item(work, content(provenance=Provenance.RECALLED), district=GUSU, now=clock.now())
    assert get_item(work, content().code).content.provenance is Provenance.RECALLED


def search(work, text: str, filters: Filters | None = None) -> list[str]:
    wanted = filters or Filters()
    return walk(lambda cursor: find_items(work, text, wanted, wish(request(cursor), *KEY), vocabulary()))


def test_what_holds_every_word_is_found_and_only_where_nothing_does_what_holds_most(work) -> None:
    for code, name in (("a", "社会保障卡申领"), ("b", "社会保障卡注销"), ("c", "营业执照补领"), ("d", "婚姻登记")):
        work.items.save(item(code, name_zh=name, name_en="-"))
    assert search(work, "社保卡申领") == ["a"]
    assert search(work, "社保卡挂失") == ["b", "a"], "no item says both; both say the card"
    assert search(work, "社保卡挂失", Filters(HUANGPU)) == []
    assert search(work, "完全不同的东西") == []
    assert search(work, "%%%") == search(work, "'; --") == []
    assert search(work, "  ") == ["d", "b", "a", "c"], "by name"


def test_a_page_of_a_near_search_leads_to_more_of_the_same(work) -> None:
    for n in range(5):
        work.items.save(item(f"c{n}", name_zh=f"社会保障卡{n}", name_en="-"))
    assert search(work, "社保卡挂失") == [f"c{n}" for n in range(5)]
    first = find_items(work, "社保卡挂失", Filters(), Wish(2), vocabulary())
    work.items.save(item("new", name_zh="社会保障卡挂失", name_en="-"))  # now something would be exact
    rest = find_items(work, "社保卡挂失", Filters(), wish(request(first.next, 10), *KEY), vocabulary())
    assert [each.code for each in rest.rows] == ["c2", "c3", "c4"]


def test_a_search_longer_than_anybody_types_is_refused(work) -> None:
    with pytest.raises(InvalidQuery) as refused:
        find_items(work, "社" * 101, Filters(), Wish(), vocabulary())
    assert (refused.value.code, refused.value.kind) == ("catalogue.invalid_query", "invalid")
    assert find_items(work, "社" * 100, Filters(), Wish(), vocabulary()).rows == ()


def test_items_that_an_earlier_release_wrote_are_taken_into_the_search(work) -> None:
    for n in range(BATCH + 1):
        work.items.save(item(f"i{n}"))
        work.items.unindexed.add(f"i{n}")
    assert refresh_search(work)
    assert not refresh_search(work)
    assert work.items.unindexed == set()
