"""What every storage of notification promises; run against the fake (unit) and PostgreSQL (component)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from chassis.paging import Wish
from notification.domain.model import Channel, DeliveryState

from .factories import CASE, NOW, delivery, notice

LATER = NOW + timedelta(minutes=1)


class StorageSuite:
    """A subclass gives the fixture `work`: an empty storage."""

    @pytest.fixture
    def work(self):
        raise NotImplementedError

    def test_a_notice_is_read_back_whole(self, work) -> None:
        assert work.notices.add(notice())
        assert work.notices.list_of("person-1", Wish(5)) == [notice()]

    @pytest.mark.parametrize("change", [{"about": "other"}, {"event": "granted"}, {"subject": "person-2"}])
    def test_a_person_is_told_once_of_one_event_of_one_thing(self, work, change) -> None:
        assert work.notices.add(notice("n1"))
        assert not work.notices.add(notice("n2"))
        assert work.notices.add(notice("n3", **change))

    def test_a_person_sees_own_notices_newest_first_page_by_page(self, work) -> None:
        for number in "1234":
            work.notices.add(notice(f"n{number}", event=number))
        work.notices.add(notice("n5", subject="person-2"))
        assert [n.id for n in work.notices.list_of("person-1", Wish(2))] == ["n4", "n3", "n2"]
        assert [n.id for n in work.notices.list_of("person-1", Wish(2, ("n3",)))] == ["n2", "n1"]

    def test_read_once_is_read_since_then_and_by_its_owner_only(self, work) -> None:
        work.notices.add(notice())
        assert work.notices.mark_read("n1", "person-2", NOW) is None
        assert work.notices.mark_read("n2", "person-1", NOW) is None
        assert work.notices.mark_read("n1", "person-1", NOW).read_at == NOW
        assert work.notices.mark_read("n1", "person-1", LATER).read_at == NOW

    def test_deliveries_of_one_case_come_oldest_first_page_by_page(self, work) -> None:
        work.notices.add(notice())
        rows = [
            delivery("d1", channel=Channel.IN_APP, state=DeliveryState.SENT, sent_at=NOW),
            delivery("d2", traceparent="00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"),
        ]
        for row in rows:
            work.deliveries.add(row)
        assert work.deliveries.list_about(CASE, Wish(5)) == rows
        assert work.deliveries.list_about(CASE, Wish(1, ("d1",))) == rows[1:]
        assert work.deliveries.list_about("other", Wish(5)) == []

    def waiting(self, work, number: int = 1) -> None:
        for n in range(1, number + 1):
            work.notices.add(notice(f"n{n}", event=str(n)))
            work.deliveries.add(delivery(f"d{n}", notice_id=f"n{n}", event=str(n)))

    def state(self, work, about: str = CASE):
        [row] = work.deliveries.list_about(about, Wish(1))
        return row.state, row.attempts, row.last_error

    def test_a_claimed_mail_is_nobody_elses_until_its_lease_ends(self, work) -> None:
        self.waiting(work)
        [claim] = work.deliveries.claim(NOW, most=5, until=LATER)
        assert (claim.delivery.id, claim.delivery.attempts, claim.subject, claim.until) == ("d1", 1, "person-1", LATER)
        assert claim.text == notice().text
        assert work.deliveries.claim(NOW, most=5, until=LATER) == []
        assert [c.delivery.attempts for c in work.deliveries.claim(LATER, most=5, until=LATER)] == [2]

    def test_no_more_are_claimed_than_asked_for(self, work) -> None:
        self.waiting(work, 3)
        assert len(work.deliveries.claim(NOW, most=2, until=LATER)) == 2
        assert len(work.deliveries.claim(NOW, most=2, until=LATER)) == 1

    def test_what_is_not_due_is_not_claimed(self, work) -> None:
        self.waiting(work)
        assert work.deliveries.claim(NOW - timedelta(seconds=1), most=5, until=LATER) == []

    def test_sent_failed_and_skipped_mails_are_not_claimed_again(self, work) -> None:
        self.waiting(work, 3)
        first, second, third = work.deliveries.claim(NOW, most=3, until=NOW)
        work.deliveries.mark_sent(first.delivery.id, NOW)
        work.deliveries.mark_failed(second, "smtp.550", None)
        work.deliveries.mark_skipped(third, "no_address")
        assert work.deliveries.claim(LATER, most=5, until=LATER) == []
        states = [(d.state, d.sent_at, d.last_error) for d in work.deliveries.list_about(CASE, Wish(5))]
        assert states == [
            (DeliveryState.SENT, NOW, ""),
            (DeliveryState.FAILED, None, "smtp.550"),
            (DeliveryState.SKIPPED, None, "no_address"),
        ]

    def test_a_failed_try_is_repeated_when_its_time_has_come(self, work) -> None:
        self.waiting(work)
        [claim] = work.deliveries.claim(NOW, most=1, until=LATER)
        work.deliveries.mark_failed(claim, "smtp.451", NOW + timedelta(seconds=10))
        assert self.state(work) == (DeliveryState.WAITING, 1, "smtp.451")
        assert work.deliveries.claim(NOW + timedelta(seconds=9), most=1, until=LATER) == []
        assert len(work.deliveries.claim(NOW + timedelta(seconds=10), most=1, until=LATER)) == 1

    def test_who_lost_the_lease_cannot_put_a_failure_over_anothers_work(self, work) -> None:
        self.waiting(work)
        [slow] = work.deliveries.claim(NOW, most=1, until=NOW)
        work.deliveries.claim(NOW, most=1, until=LATER)
        work.deliveries.mark_failed(slow, "smtp.451", None)
        work.deliveries.mark_skipped(slow, "no_address")
        assert self.state(work) == (DeliveryState.WAITING, 2, "")

    def test_a_mail_that_went_out_is_marked_by_whoever_sent_it(self, work) -> None:
        self.waiting(work)
        [slow] = work.deliveries.claim(NOW, most=1, until=NOW)
        [other] = work.deliveries.claim(NOW, most=1, until=LATER)
        work.deliveries.mark_sent(slow.delivery.id, LATER)
        work.deliveries.mark_failed(other, "smtp.451", LATER)
        assert self.state(work) == (DeliveryState.SENT, 2, "")
