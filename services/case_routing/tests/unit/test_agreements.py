"""What may be opened at another district: what the agreement in force says, read from the copy kept here."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from case_routing.adapters.signed_copy import read_copy
from case_routing.domain.agreements import Agreement, check_may_open
from case_routing.domain.errors import AgreementDiffers, BadAgreement, NoAgreement, NotAgreed
from case_routing.domain.events import Arrived, Declined
from case_routing.domain.model import Mode
from case_routing.usecases.acting import Command
from case_routing.usecases.hand_over_case import hand_over_case
from case_routing.usecases.keep_agreement import keep_agreement
from case_routing.usecases.read_letter import read_letter
from case_routing.usecases.receive_case import receive_case
from case_routing.usecases.submit_case import submit_case
from case_routing.usecases.take_back_refused import Refusal, take_back_refused

from ..factories import HANDLING, INTAKE, START, a_signed_copy, an_agreement, an_application, at
from ..fakes import FakeWork

ITEM = "social-security-card"


@pytest.mark.parametrize(
    ("kept", "refusal"),
    [
        ([], NoAgreement),
        ([an_agreement(opens={INTAKE: {ITEM}})], None),
        ([an_agreement(opens={INTAKE: {"*"}})], None),
        ([an_agreement(opens={INTAKE: {"another"}})], NotAgreed),
        ([an_agreement(opens={HANDLING: {ITEM}})], NotAgreed),
        ([an_agreement(valid_from=START + timedelta(days=1))], NoAgreement),
        ([an_agreement(valid_until=START)], NoAgreement),
        ([an_agreement(version=1), an_agreement(version=2, opens={})], NotAgreed),
        ([an_agreement(version=2, opens={}, valid_from=START + timedelta(days=1)), an_agreement(version=1)], None),
    ],
    ids=["none", "named", "anything", "another", "only back", "not yet", "over", "newest counts", "newest not yet"],
)
def test_the_newest_version_in_force_decides(kept: list[Agreement], refusal: type[Exception] | None) -> None:
    if refusal is None:
        check_may_open(kept, INTAKE, HANDLING, ITEM, START)
    else:
        with pytest.raises(refusal):
            check_may_open(kept, INTAKE, HANDLING, ITEM, START)


# In the use cases -------------------------------------------------------------------------------------------------------


@pytest.fixture
def unagreed() -> FakeWork:
    work = FakeWork.of(INTAKE)
    work.agreements.kept.clear()
    return work


@pytest.mark.parametrize("mode", [Mode.FULLY_ONLINE, Mode.PROXY_COLLECTION])
def test_what_is_not_agreed_is_refused_at_the_counter_and_nothing_is_kept(unagreed: FakeWork, mode: Mode) -> None:
    application = an_application(mode)
    with pytest.raises(NoAgreement):
        submit_case(unagreed, application, INTAKE, at())
    assert unagreed.cases.get(application.number) is None
    assert unagreed.events == []


def test_what_is_handled_here_needs_no_agreement(unagreed: FakeWork) -> None:
    assert submit_case(unagreed, an_application(handling=INTAKE), INTAKE, at())


def test_an_agreement_that_ended_since_the_submission_stops_the_forwarding() -> None:
    work = FakeWork.of(INTAKE)
    case = submit_case(work, an_application(Mode.PROXY_COLLECTION), INTAKE, at())
    work.agreements.kept.clear()
    with pytest.raises(NoAgreement):
        receive_case(work, Command(case.number, at(1)))
    assert work.letters == []
    work.agreements.kept.append((an_agreement(), ""))
    assert receive_case(work, Command(case.number, at(2))).responsibility.handing_over


def test_what_was_opened_follows_its_agreement_to_the_end() -> None:
    work = FakeWork.of(INTAKE)
    case = submit_case(work, an_application(), INTAKE, at())
    read_letter(work, Arrived(Declined(case.number, 2, "code", "why"), HANDLING), at(1))
    work.agreements.kept.clear()
    assert hand_over_case(work, Command(case.number, at(2))).responsibility.handing_over


def test_what_the_link_refused_was_never_opened() -> None:
    work = FakeWork.of(INTAKE)
    case = submit_case(work, an_application(), INTAKE, at())
    take_back_refused(work, Refusal(case.number, work.cases.get(case.number).offer_id, True, "courier.no_link"), at(1))
    work.agreements.kept.clear()
    with pytest.raises(NoAgreement):
        hand_over_case(work, Command(case.number, at(2)))


# Signed copies ----------------------------------------------------------------------------------------------------------


def test_a_copy_with_both_signatures_is_kept_once(unagreed: FakeWork) -> None:
    made, text = read_copy(*a_signed_copy(an_agreement()))
    assert made == an_agreement()
    assert keep_agreement(unagreed, INTAKE, made, text)
    assert not keep_agreement(unagreed, INTAKE, made, text)
    assert unagreed.agreements.of(HANDLING) == [made]


@pytest.mark.parametrize("signers", [[], [INTAKE], [HANDLING]])
def test_a_copy_that_a_party_did_not_sign_is_refused(signers: list[str]) -> None:
    with pytest.raises(BadAgreement):
        read_copy(*a_signed_copy(an_agreement(), signers=signers))


def test_a_copy_changed_after_its_signing_is_refused() -> None:
    text, keys = a_signed_copy(an_agreement(opens={INTAKE: {"one"}}))
    other, _ = a_signed_copy(an_agreement(opens={INTAKE: {"*"}}))
    mixed = json.dumps(json.loads(text) | {"payload": json.loads(other)["payload"]})
    with pytest.raises(BadAgreement):
        read_copy(mixed, keys)


@pytest.mark.parametrize("text", ["", "{}", "[]", "nonsense", '{"payload":"e30","signatures":[]}', "[" * 100_000])
def test_what_is_no_agreement_is_refused(text: str) -> None:
    with pytest.raises(BadAgreement):
        read_copy(text, a_signed_copy(an_agreement())[1])


def test_an_agreement_of_other_districts_or_another_text_under_a_known_version_is_refused(unagreed: FakeWork) -> None:
    with pytest.raises(BadAgreement):
        keep_agreement(unagreed, "340103", an_agreement(), "text")
    keep_agreement(unagreed, INTAKE, an_agreement(), "text")
    with pytest.raises(AgreementDiffers):
        keep_agreement(unagreed, INTAKE, an_agreement(), "another text")
