"""What every storage of the catalogue promises; run against the fake (unit) and PostgreSQL (component)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from catalogue.domain.model import Audience, Mode
from catalogue.domain.policies import search_terms
from chassis.paging import Wish

from .factories import GUSU, HUANGPU, item, terms


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
        assert [each.code for each in work.items.list("", Wish(10))] == ["b", "z", "a", "y"]
        assert [each.code for each in work.items.own()] == ["b", "z"]

    def test_a_page_starts_after_the_last_row_seen_and_tells_whether_more_follow(self, work) -> None:
        for code in "abcd":
            work.items.save(item(code, district=HUANGPU))
        assert [each.code for each in work.items.list("", Wish(2))] == ["a", "b", "c"]
        assert [each.code for each in work.items.list("", Wish(2, (True, "b")))] == ["c", "d"]
        assert work.items.list("", Wish(2, (True, "d"))) == []

    def test_a_list_of_one_district_has_its_items_only(self, work) -> None:
        work.items.save(item("a"))
        work.items.save(item("b", district=HUANGPU))
        assert [each.code for each in work.items.list(HUANGPU, Wish(5))] == ["b"]
        assert [each.code for each in work.items.find([], HUANGPU, Wish(5))] == ["b"]

    @pytest.mark.parametrize(
        "query",
        [
            "社保",
            "SOCIAL",
            "ｓｏｃｉａｌ  security",
            "医",
            "医 card",
            "a",
            "tax",
            "个人",
            "法人",
            "firm tax",
            "%",
            "_",
            "100%",
            "\\",
            "card of",
        ],
    )
    def test_a_search_finds_what_holds_every_word_in_any_script_and_case_and_nothing_else(self, work, query) -> None:
        names = {
            "1": ("社保卡申领", "Apply for a Social-security card", Audience.PERSON, "social security"),
            "2": ("医疗保险转移", "transfer of medical insurance", Audience.PERSON, "medical insurance"),
            "3": ("医保卡", "medical card", Audience.BOTH, "medical insurance"),
            "4": ("企业所得税", "Enterprise income TAX", Audience.FIRM, "tax"),
            "5": ("折扣100%", "a_b \\ c", Audience.PERSON, "odd signs"),
        }
        expected = []
        for code, (zh, en, audience, theme) in sorted(names.items(), key=lambda entry: entry[1][0]):
            work.items.save(item(code, name_zh=zh, name_en=en, audience=audience, theme=theme))
            words = {"person": "person 个人", "firm": "firm 法人 企业", "both": "person firm 个人 法人 企业"}[audience]
            text = f"{zh} {en} {theme} {words}".lower()
            if all(
                part in text for part in {"ｓｏｃｉａｌ  security": "social security"}.get(query, query).lower().split()
            ):
                expected.append(code)
        assert [each.code for each in work.items.find(search_terms(query), "", Wish(10))] == expected

    def test_search_pages_follow_the_chinese_name(self, work) -> None:
        for code, name in (("1", "丙"), ("2", "乙"), ("3", "乙"), ("4", "甲")):
            work.items.save(item(code, name_zh=name))
        first = work.items.find(["card"], "", Wish(2))
        assert [each.code for each in first] == ["1", "2", "3"]
        assert [each.code for each in work.items.find(["card"], "", Wish(2, (first[1].content.name_zh, "2")))] == [
            "3",
            "4",
        ]
