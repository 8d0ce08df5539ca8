"""Notification's transaction on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from chassis.database import later
from chassis.paging import Wish
from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from notification.adapters.tables import deliveries, notices
from notification.domain.model import Channel, Claimed, Delivery, DeliveryState, Notice, Text


class Work:
    """One transaction."""

    def __init__(self, connection: Connection) -> None:
        self.notices = Notices(connection)
        self.deliveries = Deliveries(connection)


class Notices:
    """What people were told."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, notice: Notice) -> bool:
        values = {
            "id": notice.id,
            "about": notice.about,
            "event": notice.event,
            "subject": notice.subject,
            "title": notice.text.title,
            "body": notice.text.body,
            "created_at": notice.created_at,
            "read_at": notice.read_at,
        }
        added = insert(notices).values(values).on_conflict_do_nothing(constraint="notices_once").returning(notices.c.id)
        return self._connection.execute(added).one_or_none() is not None

    def list_of(self, subject: str, wish: Wish) -> Sequence[Notice]:
        query = select(notices).where(notices.c.subject == subject)
        if wish.after is not None:
            query = query.where(notices.c.id < wish.after[0])
        rows = self._connection.execute(query.order_by(notices.c.id.desc()).limit(wish.size + 1))
        return [_notice(row) for row in rows]

    def mark_read(self, id: str, subject: str, now: datetime) -> Notice | None:
        marked = (
            update(notices)
            .where(notices.c.id == id, notices.c.subject == subject)
            .values(read_at=func.coalesce(notices.c.read_at, now))
            .returning(*notices.c)
        )
        row = self._connection.execute(marked).one_or_none()
        return _notice(row) if row else None


_ADD = insert(deliveries)
_JOINED = select(*deliveries.c, notices.c.about, notices.c.event, notices.c.subject, notices.c.title, notices.c.body)
_JOINED = _JOINED.join_from(deliveries, notices)


class Deliveries:
    """How notices go out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, delivery: Delivery) -> None:
        row = {
            "id": delivery.id,
            "notice_id": delivery.notice_id,
            "channel": delivery.channel.value,
            "state": delivery.state.value,
            "attempts": delivery.attempts,
            "created_at": delivery.created_at,
            "due_at": delivery.created_at,
            "sent_at": delivery.sent_at,
            "last_error": delivery.last_error,
            "traceparent": delivery.traceparent,
        }
        with later(self._connection):
            self._connection.execute(_ADD, row)

    def list_about(self, about: str, wish: Wish) -> Sequence[Delivery]:
        query = _JOINED.where(notices.c.about == about)
        if wish.after is not None:
            query = query.where(deliveries.c.id > wish.after[0])
        rows = self._connection.execute(query.order_by(deliveries.c.id).limit(wish.size + 1))
        return [_delivery(row) for row in rows]

    def claim(self, now: datetime, *, most: int, until: datetime) -> Sequence[Claimed]:
        due = (
            select(deliveries.c.id)
            .where(deliveries.c.state == DeliveryState.WAITING.value, deliveries.c.due_at <= now)
            .order_by(deliveries.c.due_at)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        taken = (
            update(deliveries)
            .where(deliveries.c.id.in_(due.scalar_subquery()))
            .values(due_at=until, attempts=deliveries.c.attempts + 1)
            .returning(deliveries.c.id)
        )
        ids = list(self._connection.execute(taken).scalars())
        rows = self._connection.execute(_JOINED.where(deliveries.c.id.in_(ids)).order_by(deliveries.c.id))
        return [Claimed(_delivery(row), row.subject, Text(row.title, row.body), until) for row in rows]

    def mark_sent(self, id: str, now: datetime) -> None:
        # Whatever its state is by now: the mail server has taken it, and that is what is to be seen.
        sent = {"state": DeliveryState.SENT.value, "sent_at": now, "last_error": ""}
        with later(self._connection):
            self._connection.execute(update(deliveries).where(deliveries.c.id == id).values(sent))

    def mark_skipped(self, claimed: Claimed, error: str) -> None:
        self._mark(claimed, {"state": DeliveryState.SKIPPED.value, "last_error": error})

    def mark_failed(self, claimed: Claimed, error: str, next_try: datetime | None) -> None:
        if next_try is None:
            self._mark(claimed, {"state": DeliveryState.FAILED.value, "last_error": error})
        else:
            self._mark(claimed, {"due_at": next_try, "last_error": error})

    def _mark(self, claimed: Claimed, values: dict[str, Any]) -> None:
        # The number of the try names the lease: somebody who claimed it since has counted on.
        held = (
            deliveries.c.id == claimed.delivery.id,
            deliveries.c.state == DeliveryState.WAITING.value,
            deliveries.c.attempts == claimed.delivery.attempts,
        )
        self._connection.execute(update(deliveries).where(*held).values(values))


def _notice(row: Row[Any]) -> Notice:
    return Notice(row.id, row.about, row.event, row.subject, Text(row.title, row.body), row.created_at, row.read_at)


def _delivery(row: Any) -> Delivery:
    return Delivery(
        id=row.id,
        notice_id=row.notice_id,
        about=row.about,
        event=row.event,
        channel=Channel(row.channel),
        state=DeliveryState(row.state),
        created_at=row.created_at,
        attempts=row.attempts,
        sent_at=row.sent_at,
        last_error=row.last_error,
        traceparent=row.traceparent,
    )
