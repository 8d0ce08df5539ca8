"""What people type finds what they mean, among the real items; and what no person types does no harm."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from catalogue.adapters.items_file import read_items
from catalogue.adapters.vocabulary import read, vocabulary
from catalogue.domain.model import Audience
from catalogue.domain.search import Query, Vocabulary, exact, near, place_of, terms_of, text_terms, title_terms
from catalogue.usecases.find_items import find_items
from catalogue.usecases.import_items import import_items
from catalogue.usecases.ports import Filters
from chassis.paging import Wish
from hypothesis import given
from hypothesis import strategies as st

from ..factories import GUSU, NOW, content, item
from ..fakes import FakeWork

ITEMS = Path(__file__).parents[4] / "infra/districts/items/cross_province_items.csv"
NOTHING = Vocabulary(frozenset(), frozenset(), {})


@pytest.fixture(scope="module")
def real():
    work = FakeWork.of(GUSU)
    assert not import_items(work, read_items(ITEMS), district=GUSU, now=NOW).bad
    return work


def names(work, text: str, size: int = 3) -> list[str]:
    page = find_items(work, text, Filters(), Wish(size), vocabulary())
    return [each.content.name_zh for each in page.rows]


#: What somebody types → an item that must be among the first three.
TYPED = {
    "结婚登记": "内地居民婚姻登记",
    "我要结婚": "内地居民婚姻登记",
    "怎么办结婚证": "内地居民婚姻登记",
    "离婚": "内地居民婚姻登记",
    "社保卡": "社会保障卡注销",
    "办社保卡": "社会保障卡注销",
    "社保卡申领": "社会保障卡申领",
    "社保卡丢了怎么办": "社会保障卡挂失与解挂",
    "社保卡改密码": "社会保障卡密码修改与重置",
    "电子社保卡": "电子社会保障卡申领",
    "医保转移": "基本医疗保险关系转移接续",
    "我想转移医保": "基本医疗保险关系转移接续",
    "异地就医": "异地就医登记备案",
    "外地看病怎么备案": "异地就医登记备案",
    "公积金": "住房公积金转移接续",
    "买房提公积金": "购房提取住房公积金",
    "提取公积金 退休": "正常退休提取住房公积金",
    "个税": "个人所得税查询",
    "查征信": "信用信息查询",
    "驾照": "换领机动车驾驶证",
    "驾照丢了": "补领机动车驾驶证",
    "车牌": "补换领机动车号牌",
    "年检": "申领机动车检验合格标志",
    "身份证": "临时居民身份证办理",
    "户口迁移": "夫妻投靠户口迁移",
    "大学生迁户口": "大中专学生毕业户口迁移",
    "开公司": "企业设立登记",
    "注销公司": "企业注销登记",
    "个体户注销": "个体工商户注销登记",
    "执照丢了": "营业执照遗失补领换发",
    "失业金": "失业保险金申领",
    "生孩子登记": "生育登记",
    "无犯罪证明": "开具有无犯罪记录证明",
    "残疾补贴": "残疾人两项补贴资格认定申请",
    "养老金认证": "领取养老金人员待遇资格认证",
    "学历公证": "学历公证",
    "marriage": "内地居民婚姻登记",
    "how do I apply for a social security card": "社会保障卡申领",
    "driving licence": "换领机动车驾驶证",
    "income taxes": "个人所得税查询",
    "ＭＡＲＲＩＡＧＥ": "内地居民婚姻登记",
}


@pytest.mark.parametrize(("typed", "meant"), TYPED.items())
def test_what_a_person_types_finds_what_they_mean_among_the_first_three(real, typed, meant) -> None:
    assert meant in names(real, typed), names(real, typed, 10)


def test_whoever_types_a_name_gets_that_item_first(real) -> None:
    for each in real.items.kept.values():
        assert names(real, each.content.name_zh)[0] == each.content.name_zh


def test_a_search_says_nothing_where_there_is_nothing(real) -> None:
    for typed in (
        "宇宙飞船",
        "xyzzy",
        "！？。",
        "%",
        "_",
        "\\",
        "' OR 1=1 --",
        "<script>",
        "&|!():*",
        "\x00",
        "\u200b",
    ):
        assert names(real, typed) == [], typed


def test_titles_come_before_text_and_short_titles_before_long_ones() -> None:
    kept = {
        "text": item("text", name_zh="某某事项", theme="社会保障卡"),
        "long": item("long", name_zh="社会保障卡应用状态查询"),
        "short": item("short", name_zh="社会保障卡申领"),
    }
    query = exact("社会保障卡", vocabulary())
    assert sorted(kept, key=lambda code: place_of(kept[code], query)) == ["short", "long", "text"]


def test_the_guide_around_the_title_is_searched_too() -> None:
    there = content(name_zh="某某事项", theme="civil affairs", audience=Audience.FIRM)
    assert title_terms(there).isdisjoint({"申请", "法人", "civil"})
    for typed in ("申请表", "法人", "civil affairs", "全程网办", "application form"):
        assert all(word.is_in(text_terms(there)) for word in exact(typed, vocabulary()).words), typed


_CHINESE = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=30)


@given(_CHINESE, st.integers(0, 29), st.integers(1, 30))
def test_whatever_stands_in_a_name_is_found_by_typing_it_known_word_or_not(name, start, length) -> None:
    typed = name[start : start + length]
    assert place_of(item(name_zh=name), exact(typed, NOTHING)) is not None


@given(st.text(max_size=100))
def test_no_text_makes_a_query_that_is_more_than_words(text) -> None:
    for query in (exact(text, vocabulary()), near(text, vocabulary())):
        assert len(query.words) <= 16
        for word in query.words:
            assert word.alternatives and all(word.alternatives)
            for term in (term for alternative in word.alternatives for term in alternative):
                assert _is_harmless(term.removesuffix("*"))
    assert all(_is_harmless(term) for term in terms_of(text))


def _is_harmless(term: str) -> bool:
    """No punctuation, symbol, space, control or mark, so no operator of a tsquery. A code point without a letter yet is none of these."""
    return term != "" and all(unicodedata.category(each) in {"Lo", "Ll", "Nd", "Cn"} for each in term)


@pytest.mark.parametrize("rare", ["\u9fa6", "\U00020000", "\U0002ebe0", "\U0002ebf0"], ids=["URO+", "B", "F", "I"])
def test_a_name_with_a_rare_character_is_found_by_it_even_where_python_does_not_know_it_as_a_letter(rare) -> None:
    assert place_of(item(name_zh=f"某{rare}事项"), exact(rare, NOTHING)) is not None


def test_words_are_told_apart_whatever_stands_between_them() -> None:
    apart, together = exact("医保 转移", vocabulary()), exact("医保，转移！", vocabulary())
    assert apart == together
    assert exact("的了", vocabulary()) != Query(), "noise alone is still asked for"
    assert exact("怎么办理医保", vocabulary()) == exact("医保", vocabulary())


def test_every_other_name_of_the_vocabulary_stands_for_something_that_is_no_other_name_again() -> None:
    known = vocabulary()
    assert len(known.words) > 200
    assert not known.words & known.noise
    for name, others in known.same.items():
        assert name not in others
        assert all(terms_of(other) for other in others)


@pytest.mark.parametrize("line", ["wort x", "same x", "same x =", "word"])
def test_a_line_that_is_no_entry_is_named(line) -> None:
    with pytest.raises(ValueError, match="line 2"):
        read(f"# a comment\n{line}\n")
