"""A journal with a lost, a doubled, a made-up or a swallowed attempt is told from one in which all is well."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.faults.compare import WANTED, Found, Verdict, compare
from tests.faults.journal import Attempt, Journal, Outcome, Wanted, an_id


def sent(
    flow: str = "ticket", outcome: Outcome = Outcome.OK, *, first: Outcome | None = None, **more: object
) -> Attempt:
    journal = Journal()
    (attempt,) = journal.plan(flow, 1, **more)  # type: ignore[arg-type]
    journal.sending(attempt)
    journal.heard(attempt, first or outcome)
    if first is not None:
        journal.sending(attempt)
        journal.heard(attempt, outcome)
    return attempt


def whole(*attempts: Attempt) -> Found:
    """Every effect of each, once."""
    return Found(Counter((attempt.id, effect) for attempt in attempts for effect in WANTED[attempt.flow]))


def counts(verdict: Verdict) -> dict[str, int]:
    names = ("lost", "dup", "recovered", "unexpected", "silent")
    return {name: getattr(verdict, name) for name in names if getattr(verdict, name)}


def test_a_journal_whose_attempts_each_had_their_effect_once_is_clean() -> None:
    attempts = [sent() for _ in range(3)]
    verdict = compare(attempts, whole(*attempts))
    assert (verdict.attempted, verdict.acked, counts(verdict)) == (3, 3, {})


@pytest.mark.parametrize("effect", WANTED["ticket"])
def test_an_acknowledged_attempt_without_one_of_its_effects_is_lost(effect: str) -> None:
    attempt, other = sent(), sent()
    found = whole(attempt, other)
    del found.effects[attempt.id, effect]
    verdict = compare([attempt, other], found)
    assert counts(verdict) == {"lost": 1}
    assert effect in verdict.examples[0]


@pytest.mark.parametrize("effect", WANTED["case"])
def test_any_effect_that_is_there_twice_is_a_double(effect: str) -> None:
    attempt = sent("case")
    found = whole(attempt)
    found.effects[attempt.id, effect] += 1
    assert counts(compare([attempt], found)) == {"dup": 1}


def test_what_nobody_sent_is_unexpected() -> None:
    attempt = sent()
    found = whole(attempt)
    found.effects[an_id(), "ticket there"] += 1
    found.strays.append("a ticket about nothing")
    assert counts(compare([attempt], found)) == {"unexpected": 2}


def test_a_forgery_with_an_effect_is_unexpected_and_one_that_nobody_noticed_is_silent() -> None:
    taken, swallowed, refused = (sent("forgery", Outcome.UNKNOWN, wanted=Wanted.REFUSAL) for _ in range(3))
    found = Found(Counter({(taken.id, "ticket there"): 1}))
    found.show(taken.id, "log")
    found.show(refused.id, "quarantine")
    assert counts(compare([taken, swallowed, refused], found)) == {"unexpected": 1, "silent": 1}


def test_what_was_rolled_back_must_be_absent_and_need_not_show() -> None:
    gone, there = (sent("event", Outcome.FAILED, wanted=Wanted.NOTHING) for _ in range(2))
    found = Found(Counter({(there.id, "notice"): 1}))
    assert counts(compare([gone, there], found)) == {"unexpected": 1}


def test_an_attempt_without_an_answer_may_be_absent_but_not_half_done_unless_something_shows_it() -> None:
    absent, half, waiting = (sent("ticket", Outcome.UNKNOWN) for _ in range(3))
    found = Found(Counter({(half.id, "ticket here"): 1, (waiting.id, "ticket here"): 1}))
    found.show(waiting.id, "parked")
    assert counts(compare([absent, half, waiting], found)) == {"silent": 1}


def test_what_was_unknown_at_first_and_is_whole_in_the_end_is_recovered() -> None:
    repeated, carried = sent(first=Outcome.UNKNOWN), sent(outcome=Outcome.UNKNOWN)
    assert counts(compare([repeated, carried], whole(repeated, carried))) == {"recovered": 2}


def test_an_attempt_that_was_never_sent_is_not_counted() -> None:
    journal = Journal()
    journal.plan("ticket", 4)
    assert compare(journal, Found()).attempted == 0


def test_verdicts_add_up() -> None:
    total = Verdict()
    for _ in range(3):
        attempt = sent()
        total.add(compare([attempt], Found()))
    assert (total.attempted, total.acked, total.lost, len(total.examples)) == (3, 3, 3, 3)
