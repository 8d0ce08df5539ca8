"""Importing a list of names: repeatable, honest about what is made up, and complete about what is wrong."""

from __future__ import annotations

import pytest
from catalogue.adapters.items_file import read_items
from catalogue.domain.errors import UnreadableFile
from catalogue.domain.model import Provenance
from catalogue.usecases.import_items import SAMPLE_TERMS, import_items
from catalogue.usecases.publish_item import publish_item

from ..factories import GUSU, HUANGPU, NOW, content, item, terms
from ..fakes import FakeWork

HEADINGS = "name_zh,name_en,audience,theme,source,confidence\n"
GOOD = "社会保障卡申领,apply for a card,person,social security,a news item,read\n"


@pytest.fixture
def work() -> FakeWork:
    return FakeWork.of(GUSU)


def run(work, rows, district=GUSU):
    return import_items(work, rows, district=district, now=NOW)


@pytest.fixture
def file(tmp_path):
    def write(text: str):
        path = tmp_path / "items.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_the_same_file_twice_changes_nothing(work, file) -> None:
    rows = read_items(file(HEADINGS + GOOD))
    first, second = run(work, rows), run(work, rows)
    assert (first.added, first.changed, first.unchanged, first.bad) == (1, 0, 0, [])
    assert (second.added, second.changed, second.unchanged, second.bad) == (0, 0, 1, [])
    assert len(work.sent) == 1


def test_what_a_list_of_names_does_not_say_is_marked_as_sample_and_the_name_as_read_or_recalled(work, file) -> None:
    recalled = "失业登记,unemployment registration,person,employment,an annex,recalled\n"
    run(work, read_items(file(HEADINGS + GOOD + recalled)))
    kept = {each.content.name_zh: each.content for each in work.items.kept.values()}
    assert kept["社会保障卡申领"].provenance is Provenance.READ
    assert kept["失业登记"].provenance is Provenance.RECALLED
    assert {each.terms for each in kept.values()} == {SAMPLE_TERMS}
    assert SAMPLE_TERMS.provenance is Provenance.SAMPLE


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",no name,person,tax,a source,read", "name_zh must not be empty"),
        ("名,,person,tax,a source,read", "name_en must not be empty"),
        ("名,name,company,tax,a source,read", "audience must be one of person, firm, both"),
        ("名,name,person,tax,a source,guessed", "confidence must be one of read, recalled"),
        ("名,name,person,tax,,read", "source must not be empty"),
        ("名,name,person,,a source,read", "theme must not be empty"),
        ("名,name,person,tax,a source", "must have exactly the cells"),
        ("名,name,person,tax,a source,read,more", "must have exactly the cells"),
        ('"两\n行",name,person,tax,a source,read', "name_zh must be one line of text"),
        (GOOD.strip(), "repeats row 2"),
    ],
)
def test_a_bad_row_is_reported_with_number_and_reason_and_the_rest_is_imported(work, file, line, reason) -> None:
    after = "失业登记,unemployment registration,person,employment,an annex,recalled\n"
    report = run(work, read_items(file(HEADINGS + GOOD + line + "\n" + after)))
    assert report.added == 2
    assert [bad.row for bad in report.bad] == [3]
    assert reason in report.bad[0].reason


def test_a_corrected_name_reaches_the_catalogue_but_the_owners_terms_stay(work, file) -> None:
    run(work, read_items(file(HEADINGS + GOOD)))
    (imported,) = work.items.kept.values()
    real = terms(promised_limit_days=3, provenance=Provenance.OWNER)
    publish_item(work, content(**{**vars(imported.content), "terms": real}), district=GUSU, now=NOW)
    report = run(work, read_items(file(HEADINGS + GOOD.replace("apply for a card", "apply for the card"))))
    (kept,) = work.items.kept.values()
    assert report.changed == 1
    assert kept.content.name_en == "apply for the card"
    assert kept.content.terms == real


def test_what_the_owner_has_rewritten_is_left_alone(work, file) -> None:
    run(work, read_items(file(HEADINGS + GOOD)))
    (imported,) = work.items.kept.values()
    own = content(**{**vars(imported.content), "name_en": "our wording", "provenance": Provenance.OWNER})
    publish_item(work, own, district=GUSU, now=NOW)
    assert run(work, read_items(file(HEADINGS + GOOD))).unchanged == 1
    assert work.items.get(imported.code).content.name_en == "our wording"


def test_a_code_that_a_peer_holds_is_a_bad_row_not_a_stop(work, file) -> None:
    rows = read_items(file(HEADINGS + GOOD))
    other = FakeWork.of(GUSU)
    run(other, rows)
    (code,) = other.items.kept
    work.items.save(item(code, district=HUANGPU))
    report = run(work, rows)
    assert report.added == 0
    assert HUANGPU in report.bad[0].reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "its headings must be"),
        (b"name_zh,name_en\n", "its headings must be"),
        (b"\xff\xfe\x00", "not CSV in UTF-8"),
        ((HEADINGS + '"unfinished').encode(), "not CSV in UTF-8"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_whole(tmp_path, data, reason) -> None:
    path = tmp_path / "items.csv"
    path.write_bytes(data)
    with pytest.raises(UnreadableFile, match=reason) as refused:
        read_items(path)
    assert (refused.value.code, refused.value.kind) == ("catalogue.unreadable_file", "invalid")


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(UnreadableFile, match="No such file"):
        read_items(tmp_path / "nothing.csv")


def test_a_file_with_a_byte_order_mark_is_read(tmp_path) -> None:
    path = tmp_path / "items.csv"
    path.write_bytes(b"\xef\xbb\xbf" + (HEADINGS + GOOD).encode())
    assert len(read_items(path)) == 1
