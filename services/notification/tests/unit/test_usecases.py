"""Telling a person, sending what is due, and reading it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
from chassis.clock import FixedClock
from chassis.paging import Wish
from notification.domain.errors import MailError, MessageNotFound
from notification.domain.model import Channel, DeliveryState
from notification.domain.policies import BATCH, LEASE, MAX_ATTEMPTS
from notification.usecases.list_deliveries import list_deliveries
from notification.usecases.list_messages import list_messages
from notification.usecases.mark_message_read import mark_message_read
from notification.usecases.send_due_mail import send_due_mail
from notification.usecases.tell_person import tell_person

from ..factories import CASE, PORTAL, counted_ids, happening
from ..fakes import FakeContacts, FakeMailer, FakeWork


class Office:
    """Notification in memory."""

    def __init__(self) -> None:
        self.work, self.contacts, self.mailer, self.clock = FakeWork(), FakeContacts(), FakeMailer(), FixedClock()
        self.new_id, self.heard = counted_ids(), []

    def tell(self, event="accepted", **changes) -> bool:
        return tell_person(
            self.work, happening(event, **changes), portal_url=PORTAL, now=self.clock.now(), new_id=self.new_id
        )

    @contextmanager
    def watch(self, claimed):
        yield lambda state, error: self.heard.append((state, error))

    def send(self) -> int:
        return send_due_mail(self.work.opened, self.contacts, self.mailer, now=self.clock.now, watch=self.watch)

    def mail(self):
        [row] = [d for d in list_deliveries(self.work, CASE, Wish(50)).rows if d.channel is Channel.EMAIL]
        return row


@pytest.fixture
def office() -> Office:
    return Office()


def test_a_told_person_has_a_message_at_once_and_a_mail_waiting(office) -> None:
    assert office.tell()
    [message] = list_messages(office.work, "person-1", Wish(5)).rows
    assert (message.about, message.event, message.read_at) == (CASE, "accepted", None)
    states = [(d.channel, d.state) for d in list_deliveries(office.work, CASE, Wish(5)).rows]
    assert states == [(Channel.IN_APP, DeliveryState.SENT), (Channel.EMAIL, DeliveryState.WAITING)]


def test_the_same_event_told_again_adds_nothing(office) -> None:
    assert office.tell()
    assert not office.tell()
    assert len(list_messages(office.work, "person-1", Wish(5)).rows) == 1
    assert len(list_deliveries(office.work, CASE, Wish(5)).rows) == 2


def test_an_event_that_does_not_matter_adds_nothing(office) -> None:
    assert not office.tell("received")
    assert not office.tell(subject="")
    assert office.work.notices.kept == {} and office.work.deliveries.kept == {}


def test_a_due_mail_goes_out_once(office) -> None:
    office.tell()
    assert office.send() == 1
    assert office.send() == 0
    assert [to for _, to in office.mailer.sent] == ["person-1@example.org"]
    assert (office.mail().state, office.mail().sent_at) == (DeliveryState.SENT, office.clock.now())
    assert office.heard == [(DeliveryState.SENT, "")]


def test_a_person_without_an_address_is_skipped_and_keeps_the_message(office) -> None:
    office.contacts.addresses.clear()
    office.tell()
    office.send()
    assert (office.mail().state, office.mail().last_error) == (DeliveryState.SKIPPED, "no_address")
    assert len(list_messages(office.work, "person-1", Wish(5)).rows) == 1


@pytest.mark.parametrize("part", ["contacts", "mailer"])
def test_a_failed_try_is_repeated_later_and_then_succeeds(office, part) -> None:
    getattr(office, part).failure = MailError("somewhere.busy", again=True)
    office.tell()
    office.send()
    assert (office.mail().state, office.mail().last_error) == (DeliveryState.WAITING, "somewhere.busy")
    assert office.send() == 0
    getattr(office, part).failure = None
    office.clock.advance(seconds=10)
    assert office.send() == 1
    assert (office.mail().state, office.mail().attempts, office.mail().last_error) == (DeliveryState.SENT, 2, "")


def test_a_refusal_for_good_is_not_repeated(office) -> None:
    office.mailer.failure = MailError("smtp.550", again=False)
    office.tell()
    office.send()
    assert (office.mail().state, office.mail().last_error) == (DeliveryState.FAILED, "smtp.550")


def test_a_mail_is_given_up_after_the_last_try(office) -> None:
    office.mailer.failure = MailError("smtp.451", again=True)
    office.tell()
    tries = 0
    while office.mail().state is DeliveryState.WAITING:
        tries += office.send()
        office.clock.advance(hours=9)
    assert tries == MAX_ATTEMPTS
    assert office.mail().state is DeliveryState.FAILED


def test_a_crash_after_sending_sends_the_same_delivery_again_after_the_lease(office) -> None:
    office.tell()
    marked = office.work.deliveries.mark_sent
    office.work.deliveries.mark_sent = lambda id, now: (_ for _ in ()).throw(SystemExit)
    with pytest.raises(SystemExit):
        office.send()
    office.work.deliveries.mark_sent = marked
    assert office.send() == 0
    office.clock.at += LEASE
    assert office.send() == 1
    assert len(office.mailer.sent) == 2 and len(set(office.mailer.sent)) == 1


def test_one_bad_mail_does_not_hold_up_the_others(office) -> None:
    office.contacts.addresses["person-2"] = "person-2@example.org"
    office.tell()
    office.tell(subject="person-2")
    send, refused = office.mailer.send, []

    def refuse_first(claimed, to):
        if not refused:
            refused.append(to)
            raise MailError("smtp.550", again=False)
        send(claimed, to)

    office.mailer.send = refuse_first
    assert office.send() == 2
    assert len(office.mailer.sent) == 1


def test_a_lease_that_runs_short_is_left_to_others(office) -> None:
    for number in range(BATCH):
        office.tell(number=str(number))
    send = office.mailer.send

    def slow(claimed, to):
        office.clock.at += timedelta(minutes=4)
        send(claimed, to)

    office.mailer.send = slow
    assert office.send() == 2
    office.clock.at += LEASE
    assert office.send() == 2


def test_a_message_is_read_by_its_owner_only(office) -> None:
    office.tell()
    [message] = list_messages(office.work, "person-1", Wish(5)).rows
    assert mark_message_read(office.work, message.id, "person-1", office.clock.now()).read_at
    for id, subject in ((message.id, "person-2"), ("nothing", "person-1"), ("\x00", "person-1")):
        with pytest.raises(MessageNotFound):
            mark_message_read(office.work, id, subject, office.clock.now())


def test_a_number_that_cannot_be_one_has_no_deliveries(office) -> None:
    assert list_deliveries(office.work, "\x00", Wish(5)).rows == ()
