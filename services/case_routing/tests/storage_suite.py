"""What every storage of cases promises; run against the fake (unit) and PostgreSQL (component)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from case_routing.domain.events import Acted, Arrived, WithdrawalAsked
from case_routing.domain.history import Step
from case_routing.domain.letters import Dossier
from case_routing.domain.model import Act, Answer, Case, Entry, Mode, Reader
from case_routing.domain.policies import accept, grant, receive, submit
from chassis.paging import Wish

from .factories import (
    HANDLING,
    INTAKE,
    START,
    a_firm,
    a_number,
    a_signed_copy,
    an_agreement,
    an_applicant,
    an_application,
    at,
    forwarded,
    submitted,
)


def stored(case: Case) -> Case:
    """How a case comes back: without contents."""
    return replace(case, materials=tuple(replace(material, content=None) for material in case.materials))


class StorageSuite:
    """A subclass gives `storage(here)`: a function that opens a new transaction on the same, at first empty, storage."""

    @pytest.fixture
    def storage(self):
        raise NotImplementedError

    @pytest.fixture
    def work(self, storage):
        return storage(INTAKE)

    def keep(self, work, step: Step) -> Case:
        work.cases.save(work.cases.lock(step.case.number).with_case(step.case))
        for event in step.events:
            work.record(event)
        return step.case

    def test_a_case_is_read_back_whole(self, work, storage) -> None:
        case = self.keep(work, submitted(Mode.FULLY_ONLINE))
        read = storage(INTAKE).cases.get(case.number)
        assert read.offer_id
        assert replace(read, offer_id="") == stored(case)
        assert [material.content for material in read.materials] == [None]

    def test_one_material_s_content_is_read_back_and_nothing_else_s(self, work, storage) -> None:
        case, other = (self.keep(work, submitted(Mode.FULLY_ONLINE)) for _ in range(2))
        cases = storage(INTAKE).cases
        assert cases.content(case.number, "identity_card") == b"scan of a card"
        assert cases.content(case.number, "another") is None
        assert cases.content(other.number, "") is None

    def test_the_copy_of_the_other_district_is_read_back_whole(self, storage) -> None:
        _, case = forwarded()
        work = storage(HANDLING)
        work.cases.save(Dossier(HANDLING, case.number, case, ((2, Answer.TAKEN),)))
        dossier = storage(HANDLING).cases.lock(case.number)
        assert dossier.case == stored(case)
        assert dossier.answers == ((2, Answer.TAKEN),)

    def test_what_a_later_transaction_adds_is_added(self, storage) -> None:
        case = self.keep(storage(INTAKE), submitted(Mode.PROXY_COLLECTION, handling=INTAKE))
        for policy in (receive, accept, lambda case, moment: grant(case, "told in person", "document-1", moment)):
            work = storage(INTAKE)
            locked = work.cases.lock(case.number).case
            step = policy(locked, at(5))
            self.keep(work, step)
        read = storage(INTAKE).cases.get(case.number)
        assert read == stored(step.case)
        assert read.decision.reasons == "told in person"

    def test_an_unknown_number_is_an_empty_dossier(self, work) -> None:
        number = a_number()
        assert work.cases.get(number) is None
        assert work.cases.lock(number) == Dossier(INTAKE, number)

    def test_answers_to_turns_are_kept_without_a_case(self, storage) -> None:
        number = a_number()
        work = storage(HANDLING)
        work.cases.save(work.cases.lock(number).answered(2, Answer.GIVEN_BACK))
        work = storage(HANDLING)
        work.cases.save(work.cases.lock(number).answered(3, Answer.DECLINED))
        assert storage(HANDLING).cases.lock(number).answers == ((2, Answer.GIVEN_BACK), (3, Answer.DECLINED))

    def test_letters_that_come_early_wait_and_go_when_they_were_read(self, storage) -> None:
        number = a_number()
        asked = WithdrawalAsked(number, Entry(INTAKE, 4, 2, Act.WITHDRAWAL_ASKED, START))
        acted = Acted(number, Entry(INTAKE, 5, 2, Act.RECALL_ASKED, START))
        for id, letter in (("one", asked), ("two", acted)):
            work = storage(HANDLING)
            dossier = work.cases.lock(number)
            work.cases.save(replace(dossier, early=(*dossier.early, Arrived(letter, INTAKE, id))))
        waiting = storage(HANDLING).cases.lock(number)
        assert waiting.early == (Arrived(asked, INTAKE, "one"), Arrived(acted, INTAKE, "two"))
        work = storage(HANDLING)
        work.cases.save(replace(work.cases.lock(number), early=()))
        assert storage(HANDLING).cases.lock(number).early == ()

    def test_a_person_sees_own_cases_newest_first_page_by_page(self, storage) -> None:
        work = storage(INTAKE)
        mine = []
        for minute in range(3):
            case = self.keep(work, submit(an_application(), INTAKE, at(minute)))
            mine.append(case.number)
        other = replace(an_application(), applicant=an_applicant(subject="person-2"))
        self.keep(work, submit(other, INTAKE, at(9)))
        cases = storage(INTAKE).cases
        first = cases.mine(Reader("person-1"), Wish(2))
        assert [case.number for case in first] == mine[::-1]
        second = cases.mine(Reader("person-1"), Wish(2, (first[1].submitted_at, first[1].number)))
        assert [case.number for case in second] == mine[:1]
        assert cases.mine(Reader("nobody"), Wish(2)) == []

    def test_a_firm_s_case_keeps_who_acted_and_is_seen_as_far_as_a_mandate_goes(self, storage) -> None:
        work = storage(INTAKE)
        case = self.keep(work, submit(replace(an_application(), applicant=a_firm()), INTAKE, at()))
        cases = storage(INTAKE).cases
        assert cases.get(case.number).applicant == a_firm()
        seen = [
            [found.number for found in cases.mine(reader, Wish(2))]
            for reader in (
                Reader("firm-1"),
                Reader("firm-1", frozenset({case.item.code, "another"})),
                Reader("firm-1", frozenset({"another"})),
                Reader("handler-1"),
            )
        ]
        assert seen == [[case.number], [case.number], [], []]

    def test_the_worklist_holds_what_waits_for_a_clerk_here_oldest_first(self, storage) -> None:
        work = storage(INTAKE)
        waits = [self.keep(work, submit(an_application(Mode.PROXY_COLLECTION), INTAKE, at(m))).number for m in range(3)]
        self.keep(work, submitted(Mode.FULLY_ONLINE))  # handing over: nobody's turn here
        cases = storage(INTAKE).cases
        first = cases.worklist(Wish(2))
        assert [case.number for case in first] == waits
        assert [c.number for c in cases.worklist(Wish(2, (first[1].submitted_at, first[1].number)))] == waits[2:]
        assert cases.worklist(Wish(2, (START + timedelta(days=1), ""))) == []

    def test_agreements_are_read_back_by_the_other_party_every_version(self, storage) -> None:
        first, second = an_agreement(opens={INTAKE: {"x"}}), an_agreement(version=2, valid_until=START)
        for made in (first, second):
            storage(INTAKE).agreements.add(made, a_signed_copy(made)[0])
        agreements = storage(INTAKE).agreements
        assert sorted(agreements.of(HANDLING), key=lambda made: made.version) == [first, second]
        assert agreements.of("340103") == []
        assert agreements.text(second) == a_signed_copy(second)[0]
        assert agreements.text(an_agreement(version=3)) is None
