"""What every storage of the catalogue promises; run against the fake (unit) and PostgreSQL (component)."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

import pytest
from catalogue.adapters.vocabulary import vocabulary
from catalogue.domain.model import Audience, Mode
from catalogue.domain.search import Query, exact, near, place_of
from catalogue.usecases.ports import Filters
from chassis.paging import Wish

from .factories import GUSU, HUANGPU, content, item, terms

WORDS = vocabulary()


class StorageSuite:
    """A subclass gives the fixture `work`: an empty storage of Gusu."""

    @pytest.fixture
    def work(self):
        raise NotImplementedError

    def test_what_is_saved_is_read_back_whole(self, work) -> None:
        saved = item(
            audience=Audience.FIRM, terms=terms(mode=Mode.JOINT_HANDLING, statutory_limit_days=45, materials=())
        )
        work.items.save(saved)
        assert work.items.get(saved.code) == saved

    def test_an_unknown_code_is_none(self, work) -> None:
        assert work.items.get("nothing") is None
        assert work.items.get_for_change("nothing") is None

    def test_saving_again_replaces(self, work) -> None:
        first = item()
        work.items.save(first)
        second = first.revised(item(name_en="renamed").content, first.published_at + timedelta(days=1))
        work.items.save(second)
        assert work.items.get(first.code) == second

    def test_own_items_come_before_peers_and_each_by_code(self, work) -> None:
        for code, district in (("z", GUSU), ("a", HUANGPU), ("b", GUSU), ("y", HUANGPU)):
            work.items.save(item(code, district=district))
        assert [each.code for each in work.items.list(Filters(), Wish(10))] == ["b", "z", "a", "y"]
        assert [each.code for each in work.items.own()] == ["b", "z"]

    def test_a_page_starts_after_the_last_row_seen_and_tells_whether_more_follow(self, work) -> None:
        for code in "abcd":
            work.items.save(item(code, district=HUANGPU))
        assert [each.code for each in work.items.list(Filters(), Wish(2))] == ["a", "b", "c"]
        assert [each.code for each in work.items.list(Filters(), Wish(2, (True, "b")))] == ["c", "d"]
        assert work.items.list(Filters(), Wish(2, (True, "d"))) == []

    def test_a_list_and_a_search_have_what_the_filters_let_through_only(self, work) -> None:
        work.items.save(item("a"))
        work.items.save(item("b", district=HUANGPU))
        work.items.save(item("c", district=HUANGPU, terms=terms(mode=Mode.JOINT_HANDLING)))
        for filters, codes in (
            (Filters(HUANGPU), ["b", "c"]),
            (Filters(mode=Mode.JOINT_HANDLING), ["c"]),
            (Filters(HUANGPU, Mode.FULLY_ONLINE), ["b"]),
            (Filters(GUSU, Mode.JOINT_HANDLING), []),
        ):
            assert [each.code for each in work.items.list(filters, Wish(5))] == codes
            for query in (Query(), exact("社会保障卡", WORDS)):
                assert [each.item.code for each in work.items.find(query, filters, Wish(5))] == codes

    NAMES: ClassVar = {
        "1": ("社保卡申领", "Apply for a Social-security card", Audience.PERSON, "social security"),
        "2": (
            "基本医疗保险关系转移接续",
            "transfer of medical-insurance relation",
            Audience.PERSON,
            "medical insurance",
        ),
        "3": ("医保卡", "medical card", Audience.BOTH, "medical insurance"),
        "4": ("企业所得税", "Enterprise income TAX", Audience.FIRM, "taxes"),
        "5": ("折扣100%", "a_b \\ c", Audience.PERSON, "odd signs"),
        "6": ("社会保障卡补换卡", "replace a social-security card", Audience.PERSON, "social security"),
        "7": ("内地居民婚姻登记", "marriage registration", Audience.PERSON, "civil affairs"),
        "8": ("婚姻登记档案查询", "query marriage records", Audience.PERSON, "civil affairs"),
        "9": ("卡𠮷", "a rare sign", Audience.PERSON, "rare"),
    }

    @pytest.mark.parametrize(
        "text",
        [
            "社保", "社保卡", "SOCIAL", "ｓｏｃｉａｌ  security", "医", "医 card", "a", "tax", "taxes", "个人", "法人", "firm tax",
            "card of", "cards", "医保转移", "结婚登记", "登记婚姻", "婚姻档案", "卡", "申请表", "全程网办", "𠮷", "100", "regist",
            "nothing at all", "insur", "完全没有的东西", "社会保障卡丢了", "",
        ],
    )  # fmt: skip
    def test_a_search_finds_in_the_order_that_the_domain_says(self, work, text) -> None:
        """`domain.search.place_of` says of each item whether it is found and where; every storage agrees."""
        kept = []
        for code, (zh, en, audience, theme) in self.NAMES.items():
            kept.append(item(code, name_zh=zh, name_en=en, audience=audience, theme=theme))
            work.items.save(kept[-1])
        for query in (exact(text, WORDS), near(text, WORDS)):
            places = sorted((place, each.code) for each in kept if (place := place_of(each, query)) is not None)
            found = work.items.find(query, Filters(), Wish(20))
            assert [(each.place, each.item.code) for each in found] == places
            for at in range(len(places)):  # wherever a page ends, the next begins behind it
                rest = work.items.find(query, Filters(), Wish(20, places[at][0]))
                assert [each.item.code for each in rest] == [code for _, code in places[at + 1 :]]

    def test_what_was_renamed_is_found_by_its_new_name_only(self, work) -> None:
        first = item(name_zh="旧名称事项")
        work.items.save(first)
        work.items.save(first.revised(content(name_zh="新称呼事项"), first.published_at))
        assert work.items.find(exact("旧名称", WORDS), Filters(), Wish(5)) == []
        assert len(work.items.find(exact("新称呼", WORDS), Filters(), Wish(5))) == 1
