"""Notification's outside in memory; the storage passes the same suite as the one on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from chassis.paging import Wish
from notification.domain.errors import MailError
from notification.domain.model import Claimed, Delivery, DeliveryState, Notice


@dataclass
class FakeNotices:
    kept: dict[str, Notice] = field(default_factory=dict)

    def add(self, notice: Notice) -> bool:
        key = (notice.about, notice.event, notice.subject)
        if any((n.about, n.event, n.subject) == key for n in self.kept.values()):
            return False
        self.kept[notice.id] = notice
        return True

    def list_of(self, subject: str, wish: Wish) -> Sequence[Notice]:
        rows = sorted((n for n in self.kept.values() if n.subject == subject), key=lambda n: n.id, reverse=True)
        return [n for n in rows if wish.after is None or n.id < wish.after[0]][: wish.size + 1]

    def mark_read(self, id: str, subject: str, now: datetime) -> Notice | None:
        notice = self.kept.get(id)
        if notice is None or notice.subject != subject:
            return None
        self.kept[id] = replace(notice, read_at=notice.read_at or now)
        return self.kept[id]


@dataclass
class FakeDeliveries:
    notices: FakeNotices
    kept: dict[str, Delivery] = field(default_factory=dict)
    due: dict[str, datetime] = field(default_factory=dict)

    def add(self, delivery: Delivery) -> None:
        self.kept[delivery.id] = delivery
        self.due[delivery.id] = delivery.created_at

    def list_about(self, about: str, wish: Wish) -> Sequence[Delivery]:
        rows = sorted((d for d in self.kept.values() if d.about == about), key=lambda d: d.id)
        return [d for d in rows if wish.after is None or d.id > wish.after[0]][: wish.size + 1]

    def claim(self, now: datetime, *, most: int, until: datetime) -> Sequence[Claimed]:
        waiting = [d for d in self.kept.values() if d.state is DeliveryState.WAITING and self.due[d.id] <= now]
        claims = []
        for delivery in sorted(waiting, key=lambda d: self.due[d.id])[:most]:
            taken = self.kept[delivery.id] = replace(delivery, attempts=delivery.attempts + 1)
            self.due[delivery.id] = until
            notice = self.notices.kept[delivery.notice_id]
            claims.append(Claimed(taken, notice.subject, notice.text, until))
        return sorted(claims, key=lambda claim: claim.delivery.id)

    def mark_sent(self, id: str, now: datetime) -> None:
        self.kept[id] = replace(self.kept[id], state=DeliveryState.SENT, sent_at=now, last_error="")

    def mark_skipped(self, claimed: Claimed, error: str) -> None:
        if self._held(claimed):
            self._change(claimed, state=DeliveryState.SKIPPED, last_error=error)

    def mark_failed(self, claimed: Claimed, error: str, next_try: datetime | None) -> None:
        if not self._held(claimed):
            return
        if next_try is None:
            self._change(claimed, state=DeliveryState.FAILED, last_error=error)
        else:
            self.due[claimed.delivery.id] = next_try
            self._change(claimed, last_error=error)

    def _held(self, claimed: Claimed) -> bool:
        kept = self.kept[claimed.delivery.id]
        return kept.state is DeliveryState.WAITING and kept.attempts == claimed.delivery.attempts

    def _change(self, claimed: Claimed, **changes: object) -> None:
        self.kept[claimed.delivery.id] = replace(self.kept[claimed.delivery.id], **changes)


class FakeWork:
    def __init__(self) -> None:
        self.notices = FakeNotices()
        self.deliveries = FakeDeliveries(self.notices)

    @contextmanager
    def opened(self):
        yield self


@dataclass
class FakeContacts:
    addresses: dict[str, str] = field(default_factory=lambda: {"person-1": "person-1@example.org"})
    failure: MailError | None = None

    def email_of(self, subject: str) -> str:
        if self.failure:
            raise self.failure
        return self.addresses.get(subject, "")


@dataclass
class FakeMailer:
    sent: list[tuple[str, str]] = field(default_factory=list)
    failure: MailError | None = None

    def send(self, claimed: Claimed, to: str) -> None:
        if self.failure:
            raise self.failure
        self.sent.append((claimed.delivery.id, to))
