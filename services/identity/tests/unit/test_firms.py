"""Who may act for a firm, and how long."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from identity.adapters.credit_codes import is_credit_code
from identity.adapters.id_numbers import is_id_number
from identity.domain.errors import (
    InvalidField,
    InvalidSample,
    MandateNotFound,
    NoMandate,
    NotProven,
    NotRepresentative,
    ProofRefused,
)
from identity.domain.events import AccountDisabled
from identity.domain.firms import SHANGHAI, standing
from identity.domain.model import Assurance, Role
from identity.domain.policies import open_session
from identity.domain.proofs import Proof, Way
from identity.usecases.act_for import choose, firms_of, standing_of
from identity.usecases.begin_session import begin_session
from identity.usecases.disable_account import disable_account
from identity.usecases.find_session import find_session
from identity.usecases.give_mandate import end_mandate, give_mandate
from identity.usecases.load_sample_firm import SampleFirm, load_sample_firm
from identity.usecases.register_firm import ask_register, register_firm

from ..factories import CREDIT_CODE, ID_NUMBER, NOW, OTHER_NUMBER, account, firm, mandate
from ..fakes import FakeSource, FakeWork

LEADER = account("leader", id_number=OTHER_NUMBER)
HANDLER = account("handler")


@pytest.fixture
def work() -> FakeWork:
    work = FakeWork()
    for each in (LEADER, HANDLER, account("clerk", role=Role.CLERK)):
        work.accounts.add(each, "-")
    work.firms.add(firm())
    return work


def test_the_legal_representative_acts_for_the_firm_in_everything_and_others_by_mandate(work) -> None:
    assert standing(firm(), [], LEADER, NOW).item_codes == frozenset()
    assert standing(firm(), [mandate()], HANDLER, NOW).item_codes == frozenset()
    with pytest.raises(NoMandate) as refused:
        standing(firm(), [], HANDLER, NOW)
    assert refused.value.code == "identity.no_mandate"


def test_mandates_for_items_add_up_and_one_for_all_is_for_all() -> None:
    some = [mandate("m-1", item_codes=frozenset({"a"})), mandate("m-2", item_codes=frozenset({"b"}))]
    assert standing(firm(), some, HANDLER, NOW).item_codes == {"a", "b"}
    assert standing(firm(), [*some, mandate("m-3")], HANDLER, NOW).item_codes == frozenset()


@pytest.mark.parametrize(
    ("held", "who", "of"),
    [
        (mandate(ends_at=NOW), HANDLER, firm()),
        (mandate(starts_at=NOW + timedelta(seconds=1)), HANDLER, firm()),
        (mandate().end("subject-leader", NOW), HANDLER, firm()),
        (mandate(firm="firm-2"), HANDLER, firm()),
        (mandate(handler_number=OTHER_NUMBER), HANDLER, firm()),
        (mandate(), replace(HANDLER, acr=Assurance.L3), firm()),
        (mandate(), HANDLER.shut_out(), firm()),
        (mandate(), None, firm()),
        (mandate(), HANDLER, firm().shut_out()),
        (mandate(), HANDLER, None),
        (mandate(handler_number=""), account("clerk", role=Role.CLERK, acr=Assurance.L5), firm()),
    ],
    ids=[
        "over", "not yet", "ended", "another firm", "another's", "not proven", "handler shut out", "nobody",
        "firm shut out", "no firm", "staff",
    ],
)  # fmt: skip
def test_without_a_mandate_in_force_nobody_acts_for_a_firm(held, who, of) -> None:
    with pytest.raises(NoMandate):
        standing(of, [held], who, NOW)


def test_only_the_claimed_number_of_a_weak_account_gives_nothing(work) -> None:
    work.mandates.add(mandate())
    work.accounts.add(account("impostor", acr=Assurance.L3), "-")
    with pytest.raises(NoMandate):
        standing_of(work, "firm-1", "subject-impostor", now=NOW)
    assert firms_of(work, work.accounts.get("subject-impostor"), now=NOW) == []
    assert [held.firm.subject for held in firms_of(work, HANDLER, now=NOW)] == ["firm-1"]


WISH = {"handler_name": "张三丰", "handler_number": ID_NUMBER, "starts_on": "2026-11-23", "ends_on": "2026-11-24"}


def give(work, by=LEADER, **changes):
    return give_mandate(work, "firm-1", WISH | changes, is_id_number, by, id="m-1", now=NOW)


def test_a_mandate_lasts_from_its_first_day_to_the_end_of_its_last_in_shanghai(work) -> None:
    made = give(work, item_codes="a, b，c")
    assert (made.starts_at.astimezone(SHANGHAI).isoformat(), made.ends_at.astimezone(SHANGHAI).isoformat()) == (
        "2026-11-23T00:00:00+08:00",
        "2026-11-25T00:00:00+08:00",
    )
    assert made.item_codes == {"a", "b", "c"}
    held, who = standing_of(work, "firm-1", "subject-handler", now=NOW)
    assert (held.item_codes, who) == ({"a", "b", "c"}, HANDLER)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("handler_number", "110101188001010012", "handler_number"),
        ("handler_name", "", "name"),
        ("starts_on", "soon", "starts_on"),
        ("ends_on", "2026-11-22", "ends_on"),
        ("ends_on", "2036-11-22", "ends_on"),
        ("item_codes", " ".join(map(str, range(51))), "item_codes"),
        ("item_codes", "x" * 65, "item_codes"),
    ],
)
def test_a_mandate_that_breaks_a_rule_is_not_given(work, field, value, named) -> None:
    with pytest.raises(InvalidField) as refused:
        give(work, **{field: value})
    assert refused.value.details["field"] == named
    assert work.mandates.of_firm("firm-1") == []


def test_only_the_representative_gives_and_ends_mandates_and_only_the_firm_s(work) -> None:
    for act in (lambda: give(work, by=HANDLER), lambda: end_mandate(work, "firm-1", "m-1", HANDLER, now=NOW)):
        with pytest.raises(NotRepresentative) as refused:
            act()
        assert refused.value.code == "identity.not_representative"
    work.mandates.add(mandate("m-2", firm="firm-2"))
    for unknown in ("m-2", "m-3"):
        with pytest.raises(MandateNotFound) as missing:
            end_mandate(work, "firm-1", unknown, LEADER, now=NOW)
        assert missing.value.code == "identity.mandate_not_found"


def test_an_ended_mandate_stops_at_once_and_keeps_who_ended_it_when(work) -> None:
    give(work)
    end_mandate(work, "firm-1", "m-1", LEADER, now=NOW)
    end_mandate(work, "firm-1", "m-1", LEADER, now=NOW + timedelta(hours=1))
    kept = work.mandates.get("m-1")
    assert (kept.ended_by, kept.ended_at) == (LEADER.subject, NOW)
    with pytest.raises(NoMandate):
        standing_of(work, "firm-1", "subject-handler", now=NOW)


def test_a_session_acts_for_a_firm_only_if_its_person_may(work) -> None:
    session = open_session("cookie", "sid", "subject-handler", NOW)
    work.sessions.add(session)
    with pytest.raises(NoMandate):
        choose(work, session, HANDLER, "firm-1", now=NOW)
    assert work.sessions.get(session.key).acting_for == ""
    work.mandates.add(mandate())
    choose(work, session, HANDLER, "firm-1", now=NOW)
    assert work.sessions.get(session.key).acting_for == "firm-1"
    choose(work, session, HANDLER, "", now=NOW)
    assert work.sessions.get(session.key).acting_for == ""


def test_a_firm_that_is_shut_out_is_acted_for_by_nobody_and_told_once(work) -> None:
    for _ in range(2):
        assert disable_account(work, "firm-1", "dissolved", by="operator", now=NOW).version == 2
    assert work.events == [AccountDisabled("firm-1", "dissolved", 2)]
    with pytest.raises(NoMandate):
        standing_of(work, "firm-1", LEADER.subject, now=NOW)


def test_signing_in_again_does_not_change_for_whom_one_acts(work) -> None:
    work.mandates.add(mandate())
    begin_session(work, HANDLER.subject, cookie="one", sid="sid", replaces="", now=NOW)
    session, _ = find_session(work, "one", now=NOW, silence=timedelta(minutes=15))
    choose(work, session, HANDLER, "firm-1", now=NOW)
    begin_session(work, HANDLER.subject, cookie="two", sid="other", replaces="one", now=NOW)
    assert find_session(work, "two", now=NOW, silence=timedelta(minutes=15))[0].acting_for == "firm-1"
    begin_session(work, LEADER.subject, cookie="three", sid="third", replaces="two", now=NOW)
    assert find_session(work, "three", now=NOW, silence=timedelta(minutes=15))[0].acting_for == "", (
        "somebody else's choice is not taken over"
    )


def register(work, by=HANDLER, name="样例科技有限公司"):
    source = FakeSource((name, CREDIT_CODE, by.person.name, by.person.id_number))
    ask_register(source, name, CREDIT_CODE, by)
    proof = Proof("p", "firm-9", Way.REPRESENTATIVE, "fake", by.subject, NOW)
    return register_firm(work, name, CREDIT_CODE, by, proof, now=NOW)


def test_a_firm_is_known_once_and_follows_its_register_to_a_new_representative() -> None:
    work = FakeWork()
    first = register(work, LEADER)
    assert (first.subject, first.representative, work.proofs.of("firm-9")[0].by) == (
        "firm-9",
        LEADER.subject,
        LEADER.subject,
    )
    assert register(work, LEADER) == first
    assert len(work.proofs.of("firm-9")) == 1
    second = register(work, HANDLER)
    assert (second.subject, second.representative, second.version) == ("firm-9", HANDLER.subject, 2)
    assert len(work.proofs.of("firm-9")) == 2


def test_a_firm_is_registered_by_nobody_whom_the_register_does_not_name_or_whose_identity_is_not_proven(work) -> None:
    with pytest.raises(ProofRefused):
        ask_register(FakeSource(), "样例", CREDIT_CODE, HANDLER)
    with pytest.raises(NotProven) as refused:
        register(work, replace(HANDLER, acr=Assurance.L3))
    assert refused.value.code == "identity.not_proven"
    work.firms.save(firm().shut_out())
    with pytest.raises(ProofRefused):
        register(work, LEADER)


def load(work, **changes) -> None:
    fields = {"name": "样例", "credit_code": CREDIT_CODE, "representative": "leader", "handlers": ("handler",)}
    ids = iter("abcdef")
    load_sample_firm(work, SampleFirm(**fields | changes), is_credit_code, new_id=lambda: next(ids), now=NOW)


def test_a_sample_firm_is_loaded_once_with_who_acts_for_it() -> None:
    work = FakeWork()
    for each in (LEADER, HANDLER):
        work.accounts.add(replace(each, sample=True), "-")
    for _ in range(2):
        load(work)
    kept = work.firms.by_credit_code(CREDIT_CODE)
    assert (kept.sample, kept.representative, kept.version) == (True, LEADER.subject, 1)
    assert len(work.mandates.of_firm(kept.subject)) == 1
    assert standing_of(work, kept.subject, HANDLER.subject, now=NOW)[0].item_codes == frozenset()


@pytest.mark.parametrize("changes", [{"credit_code": "91350100M000100Y4Z"}, {"representative": "nobody"}, {}])
def test_a_sample_firm_that_breaks_a_rule_or_belongs_to_no_sample_is_refused(work, changes) -> None:
    with pytest.raises(InvalidSample):
        load(work, **changes)
    assert work.firms.get("firm-1") == firm()
