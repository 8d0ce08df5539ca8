"""What a service item may be."""

from __future__ import annotations

import pytest
from catalogue.domain.errors import InvalidItem, NotTheOwner, PromisedAboveStatutory
from catalogue.domain.model import MaterialRequirement
from catalogue.domain.policies import check_content, code_for, is_newer_copy

from ..factories import GUSU, HUANGPU, content, item, terms


def test_a_promise_above_the_statutory_limit_cannot_be_written_down() -> None:
    with pytest.raises(PromisedAboveStatutory) as refused:
        terms(statutory_limit_days=20, promised_limit_days=21)
    assert refused.value.code == "catalogue.promised_above_statutory"
    assert refused.value.kind == "invalid"
    assert "21" in str(refused.value)


def test_a_promise_equal_to_the_statutory_limit_is_allowed() -> None:
    assert terms(statutory_limit_days=20, promised_limit_days=20).promised_limit_days == 20


@pytest.mark.parametrize("promised", [0, -1])
def test_a_promise_is_at_least_one_working_day(promised) -> None:
    with pytest.raises(InvalidItem):
        terms(promised_limit_days=promised)


def test_a_good_item_passes() -> None:
    check_content(content())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": ""}, "code"),
        ({"code": "a" * 65}, "code"),
        ({"code": "社保"}, "code"),
        ({"code": "a b"}, "code"),
        ({"code": "a\n"}, "code"),
        ({"name_zh": "  "}, "name_zh"),
        ({"name_zh": "字" * 201}, "name_zh"),
        ({"name_zh": "两\n行"}, "name_zh"),
        ({"name_zh": "\x00"}, "name_zh"),
        ({"name_en": ""}, "name_en"),
        ({"theme": ""}, "theme"),
        ({"source": "s" * 501}, "source"),
        ({"terms": terms(statutory_limit_days=1001)}, "statutory_limit_days"),
        ({"terms": terms(materials=(MaterialRequirement("No", "申请表", "", True),))}, "materials"),
        ({"terms": terms(materials=(MaterialRequirement("form", "", "", True),))}, "materials' name_zh"),
        ({"terms": terms(materials=(MaterialRequirement("form", "表", "", True),) * 2)}, "materials"),
        (
            {"terms": terms(materials=tuple(MaterialRequirement(f"m{n}", "表", "", True) for n in range(51)))},
            "materials",
        ),
    ],
)
def test_a_field_that_breaks_its_rule_is_named(changes, field) -> None:
    with pytest.raises(InvalidItem) as refused:
        check_content(content(**changes))
    assert refused.value.code == "catalogue.invalid_item"
    assert refused.value.kind == "invalid"
    assert refused.value.details == {"field": field}


def test_an_imported_code_is_stable_and_differs_by_district_and_name() -> None:
    assert code_for(GUSU, "社会保障卡申领") == code_for(GUSU, "社会保障卡申领") == "320508-9ff8cc37"
    assert len({code_for(GUSU, "甲"), code_for(GUSU, "乙"), code_for(HUANGPU, "甲")}) == 3


def test_a_copy_is_replaced_by_a_newer_version_only() -> None:
    kept = item(district=HUANGPU, version=3)
    assert is_newer_copy(None, kept, HUANGPU)
    assert is_newer_copy(kept, item(district=HUANGPU, version=4), HUANGPU)
    assert not is_newer_copy(kept, item(district=HUANGPU, version=3), HUANGPU)
    assert not is_newer_copy(kept, item(district=HUANGPU, version=2), HUANGPU)


@pytest.mark.parametrize(
    ("kept", "offered"),
    [
        (None, item(district=GUSU)),
        (item(district=GUSU), item(district=HUANGPU, version=9)),
        (item(district="330102"), item(district=HUANGPU)),
    ],
)
def test_a_district_that_sends_what_it_does_not_own_is_refused(kept, offered) -> None:
    with pytest.raises(NotTheOwner) as refused:
        is_newer_copy(kept, offered, HUANGPU)
    assert refused.value.code == "catalogue.not_the_owner"
    assert refused.value.kind == "forbidden"
