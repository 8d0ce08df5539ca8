"""How an account's identity is proven: raised by what a source or a window confirms, never lowered, never lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from identity.adapters.proofing import SOURCES, TRIAL_ONLY, DevelopmentSource, NoSource
from identity.domain.errors import AccountNotFound, OwnAccount, ProofingAway, ProofingNotOffered, ProofRefused
from identity.domain.model import Assurance, Role
from identity.domain.proofs import Proof, Way
from identity.usecases.prove_identity import ask_source, prove_at_window, record_proof

from ..factories import ID_NUMBER, NOW, account
from ..fakes import FakeSource, FakeWork

WEAK = account(acr=Assurance.L2)
TODAY, LATER = date(2026, 11, 23), date(2036, 1, 1)
NAME = WEAK.person.name


@pytest.fixture
def work() -> FakeWork:
    work = FakeWork()
    work.accounts.add(WEAK, "-")
    work.accounts.add(account("clerk", role=Role.CLERK), "-")
    return work


def proof(way: Way, by: str = WEAK.subject, subject: str = WEAK.subject) -> Proof:
    return Proof(f"p-{way}", subject, way, "fake", by, NOW)


@pytest.mark.parametrize(("way", "level"), [(Way.TWO_ELEMENTS, "L3"), (Way.DOCUMENT, "L4")])
def test_what_a_source_confirms_raises_the_account_and_is_written_down(work, way, level) -> None:
    ask_source(FakeSource((NAME, ID_NUMBER)), WEAK, way, LATER, TODAY)
    assert record_proof(work, WEAK, proof(way)).acr == level
    kept = work.accounts.get(WEAK.subject)
    assert (kept.acr, kept.version) == (level, 2)
    assert work.proofs.of(WEAK.subject) == [proof(way)]


def test_a_weaker_proof_lowers_nothing(work) -> None:
    record_proof(work, WEAK, proof(Way.DOCUMENT))
    assert record_proof(work, WEAK, proof(Way.TWO_ELEMENTS)).acr == "L4"
    assert [each.way for each in work.proofs.of(WEAK.subject)] == ["two_elements", "document"]


@pytest.mark.parametrize(
    ("source", "way", "ends"),
    [
        (FakeSource(), Way.TWO_ELEMENTS, None),
        (FakeSource(), Way.DOCUMENT, LATER),
        (FakeSource((NAME, ID_NUMBER)), Way.DOCUMENT, date(2026, 11, 22)),
        (FakeSource((NAME, ID_NUMBER)), Way.DOCUMENT, None),
        (FakeSource((NAME, ID_NUMBER)), Way.WINDOW, LATER),
    ],
    ids=["not known", "not matched", "expired document", "no document", "no window"],
)
def test_what_a_source_does_not_confirm_is_refused(source, way, ends) -> None:
    with pytest.raises(ProofRefused) as refused:
        ask_source(source, WEAK, way, ends, TODAY)
    assert refused.value.code == "identity.proof_refused"


def test_staff_proves_nothing_at_a_source() -> None:
    with pytest.raises(ProofRefused):
        ask_source(DevelopmentSource(), account("clerk", role=Role.CLERK), Way.TWO_ELEMENTS, None, TODAY)


def test_a_source_that_is_away_says_so_and_nothing_changes(work) -> None:
    source = FakeSource((NAME, ID_NUMBER))
    source.away = True
    with pytest.raises(ProofingAway) as away:
        ask_source(source, WEAK, Way.TWO_ELEMENTS, None, TODAY)
    assert (away.value.code, away.value.kind) == ("identity.proofing_away", "unavailable")
    assert work.accounts.get(WEAK.subject) == WEAK


def test_a_district_without_a_source_sends_people_to_a_window() -> None:
    asks = (
        lambda s: s.two_elements(NAME, ID_NUMBER),
        lambda s: s.document(NAME, ID_NUMBER, LATER),
        lambda s: s.representative("样例", "-", NAME, ID_NUMBER),
    )
    for ask in asks:
        with pytest.raises(ProofingNotOffered) as refused:
            ask(NoSource())
        assert refused.value.code == "identity.proofing_not_offered"


def test_the_development_source_says_what_it_is_and_only_a_trial_may_name_it() -> None:
    assert DevelopmentSource.note == (
        "开发用身份核验源，不核验真实身份",
        "Development source: proves nothing about a real person",
    )
    assert frozenset(SOURCES) - TRIAL_ONLY == {"none"}


def test_one_number_proves_one_account_and_a_claim_takes_it_from_nobody(work) -> None:
    squatter = account("squatter", acr=Assurance.L3)
    work.accounts.add(squatter, "-")
    assert record_proof(work, WEAK, proof(Way.DOCUMENT)).acr == "L4"
    with pytest.raises(ProofRefused):
        record_proof(work, squatter, proof(Way.DOCUMENT, subject=squatter.subject))
    assert work.accounts.get(squatter.subject).acr == "L3"


def test_a_proof_of_what_the_account_said_before_is_not_recorded(work) -> None:
    before = replace(WEAK, person=replace(WEAK.person, name="李四"))
    for stale in (before, account("nobody")):
        with pytest.raises(ProofRefused):
            record_proof(work, stale, proof(Way.DOCUMENT, subject=stale.subject))
    assert work.accounts.get(WEAK.subject) == WEAK


def at_window(work, login="citizen", name=" 张三丰 ", number=ID_NUMBER, by="subject-clerk"):
    return prove_at_window(work, login, name, number, proof(Way.WINDOW, by=by, subject=""))


def test_a_window_proves_the_strongest_and_the_row_says_who_looked(work) -> None:
    assert at_window(work).acr == "L5"
    (row,) = work.proofs.of(WEAK.subject)
    assert (row.way, row.by) == ("window", "subject-clerk")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"login": "nobody"}, AccountNotFound),
        ({"login": "clerk"}, AccountNotFound),
        ({"name": "李四"}, ProofRefused),
        ({"number": "110101188001010353"}, ProofRefused),
        ({"by": WEAK.subject}, OwnAccount),
    ],
)
def test_a_window_proves_only_who_stands_before_it_and_nobody_themself(work, changes, refusal) -> None:
    with pytest.raises(refusal):
        at_window(work, **changes)
    assert work.accounts.get(WEAK.subject) == WEAK
    assert work.proofs.of(WEAK.subject) == []
