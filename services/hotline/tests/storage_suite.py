"""What every storage of the hotline promises; run against the fake (unit) and PostgreSQL (component)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from chassis.paging import Wish
from hotline.domain.model import State

from .factories import CITIZEN, HUANGPU, NOW, ticket


class StorageSuite:
    """A subclass gives the fixture `work`: an empty storage of Gusu."""

    @pytest.fixture
    def work(self):
        raise NotImplementedError

    def test_what_is_saved_is_read_back_whole(self, work) -> None:
        saved = ticket(case_number="320508-20261123-ABCDEFGH").after(
            "transfer_offered", NOW, note="医保局的事", state=State.TRANSFERRING, offered_to=HUANGPU, hand_over_id="x"
        )
        work.tickets.save(saved)
        assert work.tickets.get(saved.number) == saved
        assert work.tickets.get_for_change(saved.number) == saved

    def test_an_answer_is_read_back_with_its_time_and_district(self, work) -> None:
        at = NOW + timedelta(minutes=3)
        done = ticket(came_from=HUANGPU).after(
            "answered", at, answer="在社区。", answered_by=HUANGPU, answered_at=at, state=State.ANSWERED
        )
        work.tickets.save(done)
        assert work.tickets.get(done.number) == done

    def test_an_unknown_number_is_none(self, work) -> None:
        assert work.tickets.get("nothing") is None
        assert work.tickets.get_for_change("nothing") is None

    def test_saving_again_replaces_and_the_timeline_grows(self, work) -> None:
        first = ticket()
        work.tickets.save(first)
        second = first.after("transfer_offered", NOW, state=State.TRANSFERRING, offered_to=HUANGPU)
        work.tickets.save(second)
        assert work.tickets.get(first.number) == second
        assert [entry.event for entry in second.timeline] == ["opened", "transfer_offered"]

    def test_the_worklist_holds_what_is_open_or_needs_attention_oldest_first(self, work) -> None:
        work.tickets.save(ticket(3))
        work.tickets.save(ticket(1))
        work.tickets.save(ticket(2, state=State.TRANSFERRED, holder=HUANGPU))
        work.tickets.save(ticket(4, state=State.TRANSFERRED, holder=HUANGPU, attention="refused"))
        assert [each.place[-1] for each in work.tickets.worklist(Wish(9))] == ["1", "3", "4"]

    def test_a_persons_tickets_are_those_in_their_name_and_nobody_has_those_of_unknown_callers(self, work) -> None:
        work.tickets.save(ticket(1))
        work.tickets.save(ticket(2, opener_subject="somebody else"))
        work.tickets.save(ticket(3, opener_subject=""))
        assert [each.place[-1] for each in work.tickets.of_opener(CITIZEN.subject, Wish(9))] == ["1"]
        assert work.tickets.of_opener("", Wish(9)) == []

    def test_a_page_starts_after_the_last_row_seen_and_tells_whether_more_follow(self, work) -> None:
        for n in range(1, 6):
            work.tickets.save(ticket(n))
        for read in (work.tickets.worklist, lambda wish: work.tickets.of_opener(CITIZEN.subject, wish)):
            first = read(Wish(2))
            assert [each.place[-1] for each in first] == ["1", "2", "3"]
            assert [each.place[-1] for each in read(Wish(2, (first[1].place,)))] == ["3", "4", "5"]
            assert read(Wish(2, (ticket(5).place,))) == []
