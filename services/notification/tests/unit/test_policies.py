"""Whom we tell, in which words, and how often we try."""

from __future__ import annotations

from datetime import timedelta

import pytest
from chassis.logs import redact
from hypothesis import given
from hypothesis import strategies as st
from notification.domain.policies import (
    CASE_EVENTS,
    EVENTS,
    MARKS,
    MAX_ATTEMPTS,
    TICKET_EVENTS,
    deserves_notice,
    next_try,
    worded,
)
from tongban.common.v1.common_pb2 import Provenance

from ..factories import CASE, NOW, PORTAL, happening


@pytest.mark.parametrize("event", ["submitted", "accepted", "granted", "refused", "closed", "withdrawn"])
def test_a_person_is_told_what_matters_to_them(event) -> None:
    assert deserves_notice(happening(event))


@pytest.mark.parametrize(
    "event", ["received", "review_started", "produced", "delivered", "hand_over_offered", "", "anything"]
)
def test_a_person_is_not_told_the_districts_own_business(event) -> None:
    assert not deserves_notice(happening(event))


def test_where_the_person_is_not_known_nobody_is_told() -> None:
    assert not deserves_notice(happening(subject=""))


@pytest.mark.parametrize(("thing", "event"), [(thing, event) for thing in EVENTS for event in EVENTS[thing]])
def test_a_notice_is_in_chinese_first_and_then_in_english(thing, event) -> None:
    text = worded(happening(event, thing=thing), PORTAL)
    zh, en = EVENTS[thing][event]
    for part in (text.title, text.body):
        assert part.index(zh) < part.index(en)
    for fact in (CASE, "社会保障卡申领", "apply for a social-security card", "2026-11-23 09:00", PORTAL):
        assert fact in text.body


@pytest.mark.parametrize("provenance", [name.removeprefix("PROVENANCE_").lower() for name in sorted(Provenance.keys())])
def test_a_name_that_was_not_read_from_its_source_is_marked_in_both_languages(provenance) -> None:
    body = worded(happening("closed", item_provenance=provenance), PORTAL).body
    if provenance in ("unspecified", "read", "owner"):
        assert "社会保障卡申领\n" in body and "apply for a social-security card\n" in body
    else:
        zh, en = MARKS[provenance]
        assert f"社会保障卡申领（{zh}）\n" in body and f"apply for a social-security card ({en})\n" in body


def test_a_ticket_has_no_item_and_leaves_no_empty_line_for_it() -> None:
    text = worded(happening("answered", thing="ticket", item_name_zh="", item_name_en=""), PORTAL)
    assert "事项" not in text.body and "Item" not in text.body


@given(st.text(max_size=60), st.sampled_from(sorted(CASE_EVENTS)))
def test_a_name_from_another_district_adds_no_line(name, event) -> None:
    plain = worded(happening(event, item_name_zh="甲", item_name_en="a"), PORTAL)
    text = worded(happening(event, item_name_zh=name or "甲", item_name_en=name or "a"), PORTAL)
    assert len(text.body.splitlines()) == len(plain.body.splitlines())
    assert text.title == plain.title


def test_the_template_itself_holds_nothing_that_looks_like_an_identity_number_or_a_phone() -> None:
    for thing, events in EVENTS.items():
        for event in events:
            text = worded(happening(event, thing=thing), PORTAL)
            assert redact(text.title + text.body) == text.title + text.body


def test_waits_grow_and_end_after_about_a_day() -> None:
    waits = [next_try(attempt, NOW) - NOW for attempt in range(1, MAX_ATTEMPTS)]
    assert waits == sorted(waits)
    assert timedelta(hours=12) < sum(waits, timedelta()) < timedelta(hours=36)
    assert next_try(MAX_ATTEMPTS, NOW) is None


def test_words_of_cases_are_those_of_case_routings_acts() -> None:
    assert set(CASE_EVENTS) == {"submitted", "accepted", "granted", "refused", "closed", "withdrawn"}
    assert set(TICKET_EVENTS) == {"opened", "transfer_taken", "answered"}
