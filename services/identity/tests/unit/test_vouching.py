"""What a home may say about firms, and what of it is believed."""

from __future__ import annotations

import pytest
from identity.adapters.credit_codes import is_credit_code
from identity.domain.errors import HomeAnswerRefused
from identity.domain.firms import LONGEST_ITEM, Standing
from identity.domain.model import Assurance
from identity.domain.vouching import MOST_FIRMS, MOST_ITEMS_TOLD, may_be_told, read_firms, told_of

from ..factories import CREDIT_CODE, GUSU, HUANGPU, NOW, firm

TOLD = {
    "subject": "pairwise",
    "name": "样例科技有限公司",
    "credit_code": CREDIT_CODE,
    "acr": "L4",
    "item_codes": ["i-1"],
}


def read(told, limit: Assurance = Assurance.L5):
    return read_firms(told, GUSU, limit=limit, is_credit_code=is_credit_code, now=NOW)


def test_what_a_home_tells_is_what_its_peer_reads_in_the_home_s_own_space_of_names() -> None:
    held = Standing(firm(), frozenset({"i-2", "i-1"}))
    (found,) = read([told_of(held, "pairwise")])
    assert (found.firm.subject, found.item_codes) == (f"{GUSU}:pairwise", held.item_codes)
    assert (found.firm.name, found.firm.credit_code, found.firm.acr) == (firm().name, CREDIT_CODE, Assurance.L4)
    assert found.firm.representative == "", "nobody here leads it"


@pytest.mark.parametrize("subject", ["firm-1", f"{HUANGPU}:firm-1", "330102:firm-1"])
def test_a_home_vouches_for_no_firm_of_ours_and_of_no_third_district(subject) -> None:
    (found,) = read([TOLD | {"subject": subject}])
    assert found.firm.subject == f"{GUSU}:{subject}"


@pytest.mark.parametrize("nothing", [None, []])
def test_a_home_that_tells_of_no_firm_is_believed(nothing) -> None:
    assert read(nothing) == ()


def test_a_firm_s_proof_is_worth_no_more_here_than_anybody_s() -> None:
    assert read([TOLD | {"acr": "L5"}], Assurance.L4)[0].firm.acr is Assurance.L4


@pytest.mark.parametrize(
    "told",
    [
        "a text",
        {},
        ["a text"],
        [{}],
        [TOLD, TOLD],
        [TOLD | {"subject": f"s-{n}"} for n in range(MOST_FIRMS + 1)],
        *(
            [TOLD | wrong]
            for wrong in (
                {"subject": ""},
                {"subject": "two words"},
                {"subject": 7},
                {"name": ""},
                {"name": "a\x00b"},
                {"name": "长" * 129},
                {"credit_code": "91350100M000100Y4Z"},
                {"credit_code": None},
                {"acr": "L9"},
                {"acr": None},
                {"item_codes": "i-1"},
                {"item_codes": [""]},
                {"item_codes": [7]},
                {"item_codes": ["a\nb"]},
                {"item_codes": ["i" * (LONGEST_ITEM + 1)]},
                {"item_codes": [f"i-{n}" for n in range(MOST_ITEMS_TOLD + 1)]},
            )
        ),
    ],
    ids=lambda told: str(told)[:60],
)
def test_a_claim_that_breaks_a_rule_is_refused_whole(told) -> None:
    with pytest.raises(HomeAnswerRefused) as refused:
        read(told)
    assert refused.value.details == {"claim": "firms"}


def test_a_mandate_for_more_items_than_fit_stays_at_home() -> None:
    assert may_be_told(Standing(firm(), frozenset(f"i-{n}" for n in range(MOST_ITEMS_TOLD))))
    assert not may_be_told(Standing(firm(), frozenset(f"i-{n}" for n in range(MOST_ITEMS_TOLD + 1))))
